#include "daemons/imapd/verb_table.h"

#include <algorithm>
#include <array>

#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd {
namespace {

constexpr auto kNone = States::none;
constexpr auto kAny = States::any;
constexpr auto kSelected = States::selected;
constexpr auto kTold = Expunges::told;
constexpr auto kHeld = Expunges::held;

constexpr std::array<Verb, 36> kVerbs{{
    {"APPEND", kAny, kTold, verbs::append},
    {"AUTHENTICATE", kNone, kTold, nullptr},
    {"CAPABILITY", kAny, kTold, verbs::capability},
    {"CHECK", kSelected, kTold, verbs::check},
    {"CLOSE", kSelected, kTold, verbs::close},
    {"COPY", kSelected, kTold, verbs::copy},
    {"CREATE", kAny, kTold, verbs::create},
    {"DELETE", kAny, kTold, verbs::remove},
    {"ENABLE", kAny, kTold, verbs::enable},
    {"EXAMINE", kAny, kTold, verbs::examine},
    {"EXPUNGE", kSelected, kTold, verbs::expunge},
    {"FETCH", kSelected, kHeld, verbs::fetch},
    {"ID", kAny, kTold, verbs::id},
    {"IDLE", kAny, kTold, verbs::idle},
    {"LIST", kAny, kTold, verbs::list},
    {"LOGIN", kNone, kTold, nullptr},
    {"LOGOUT", kAny, kTold, verbs::logout},
    {"LSUB", kAny, kTold, verbs::lsub},
    {"MOVE", kSelected, kTold, verbs::move},
    {"NAMESPACE", kAny, kTold, verbs::namespaces},
    {"NOOP", kAny, kTold, verbs::noop},
    {"RENAME", kAny, kTold, verbs::rename},
    {"SEARCH", kSelected, kHeld, verbs::search},
    {"SELECT", kAny, kTold, verbs::select},
    {"STARTTLS", kNone, kTold, nullptr},
    {"STATUS", kAny, kTold, verbs::status},
    {"STORE", kSelected, kHeld, verbs::store},
    {"SUBSCRIBE", kAny, kTold, verbs::subscribe},
    {"UID COPY", kSelected, kTold, verbs::uid_copy},
    {"UID EXPUNGE", kSelected, kTold, verbs::uid_expunge},
    {"UID FETCH", kSelected, kTold, verbs::uid_fetch},
    {"UID MOVE", kSelected, kTold, verbs::uid_move},
    {"UID SEARCH", kSelected, kTold, verbs::uid_search},
    {"UID STORE", kSelected, kTold, verbs::uid_store},
    {"UNSELECT", kSelected, kTold, verbs::unselect},
    {"UNSUBSCRIBE", kAny, kTold, verbs::unsubscribe},
}};
static_assert(std::ranges::is_sorted(kVerbs, {}, &Verb::name));

}  // namespace

const Verb* find_verb(std::string_view name) {
  const auto* const found = std::ranges::lower_bound(kVerbs, name, {}, &Verb::name);
  return found != kVerbs.end() && found->name == name ? found : nullptr;
}

}  // namespace mailroom::imapd
