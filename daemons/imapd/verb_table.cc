#include "daemons/imapd/verb_table.h"

#include <algorithm>
#include <array>

#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd {
namespace {

constexpr auto kNone = States::none;
constexpr auto kAny = States::any;
constexpr auto kSelected = States::selected;
constexpr auto kAll = Tells::all;
constexpr auto kNoExpunge = Tells::no_expunge;
constexpr auto kNothing = Tells::nothing;

constexpr std::array<Verb, 36> kVerbs{{
    {"APPEND", kAny, kAll, verbs::append},
    {"AUTHENTICATE", kNone, kAll, nullptr},
    {"CAPABILITY", kAny, kAll, verbs::capability},
    {"CHECK", kSelected, kAll, verbs::check},
    {"CLOSE", kSelected, kAll, verbs::close},
    {"COPY", kSelected, kAll, verbs::copy},
    {"CREATE", kAny, kAll, verbs::create},
    {"DELETE", kAny, kAll, verbs::remove},
    {"ENABLE", kAny, kAll, verbs::enable},
    {"EXAMINE", kAny, kNothing, verbs::examine},
    {"EXPUNGE", kSelected, kAll, verbs::expunge},
    {"FETCH", kSelected, kNoExpunge, verbs::fetch},
    {"ID", kAny, kAll, verbs::id},
    {"IDLE", kAny, kAll, verbs::idle},
    {"LIST", kAny, kAll, verbs::list},
    {"LOGIN", kNone, kAll, nullptr},
    {"LOGOUT", kAny, kAll, verbs::logout},
    {"LSUB", kAny, kAll, verbs::lsub},
    {"MOVE", kSelected, kAll, verbs::move},
    {"NAMESPACE", kAny, kAll, verbs::namespaces},
    {"NOOP", kAny, kAll, verbs::noop},
    {"RENAME", kAny, kAll, verbs::rename},
    {"SEARCH", kSelected, kNoExpunge, verbs::search},
    {"SELECT", kAny, kNothing, verbs::select},
    {"STARTTLS", kNone, kAll, nullptr},
    {"STATUS", kAny, kAll, verbs::status},
    {"STORE", kSelected, kNoExpunge, verbs::store},
    {"SUBSCRIBE", kAny, kAll, verbs::subscribe},
    {"UID COPY", kSelected, kAll, verbs::uid_copy},
    {"UID EXPUNGE", kSelected, kAll, verbs::uid_expunge},
    {"UID FETCH", kSelected, kAll, verbs::uid_fetch},
    {"UID MOVE", kSelected, kAll, verbs::uid_move},
    {"UID SEARCH", kSelected, kAll, verbs::uid_search},
    {"UID STORE", kSelected, kAll, verbs::uid_store},
    {"UNSELECT", kSelected, kAll, verbs::unselect},
    {"UNSUBSCRIBE", kAny, kAll, verbs::unsubscribe},
}};
static_assert(std::ranges::is_sorted(kVerbs, {}, &Verb::name));

}  // namespace

const Verb* find_verb(std::string_view name) {
  const auto* const found = std::ranges::lower_bound(kVerbs, name, {}, &Verb::name);
  return found != kVerbs.end() && found->name == name ? found : nullptr;
}

}  // namespace mailroom::imapd
