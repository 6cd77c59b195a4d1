#include "daemons/authd/secret_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/authd/login_names.h"
#include "daemons/authd/password_hash.h"
#include "daemons/log.h"
#include "daemons/state_failure.h"
#include "libcommon/protocol/sasl/credentials.h"

namespace mailroom::authd {
namespace {

constexpr const char* kNotAName = "not a name that an account can have";
constexpr std::size_t kMaxPrincipal = 512;

// A hash, or the mark of an account whose password is a KDC's: NAME[/INSTANCE]@REALM.
bool is_acceptable_secret(std::string_view secret) {
  if (!is_kerberos_secret(secret)) return is_acceptable_hash(secret);
  const std::string_view principal = secret.substr(kKerberosMark.size());
  const std::size_t at = principal.find('@');
  return principal.size() <= kMaxPrincipal && at != principal.npos && at > 0 && at + 1 < principal.size() &&
         principal.find('@', at + 1) == principal.npos &&
         std::ranges::all_of(principal, [](char c) { return c > ' ' && c < '\x7f' && c != '\\'; });
}

}  // namespace

SecretDesk::SecretDesk(const Config& config, SecretStore& store, event::ThreadPool& pool,
                       TellPolicyd tell_policyd, Answer answer)
    : config_{config}, store_{store}, pool_{pool}, tell_policyd_{std::move(tell_policyd)},
      answer_{std::move(answer)}, self_{std::make_shared<SecretDesk*>(this)} {}

SecretDesk::~SecretDesk() { *self_ = nullptr; }

void SecretDesk::on_request(ToolId tool, SecretRequest&& request) {
  guarded(tool, [&] { std::visit([&](auto& message) { handle(tool, message); }, request); });
}

template <typename Work>
void SecretDesk::guarded(ToolId tool, Work work) {
  try {
    work();
  } catch (const std::exception& error) {
    on_state_failure(error);
    answer_(tool, ToolRefused{std::string("nothing was changed: ") + error.what()});
  }
}

void SecretDesk::handle(ToolId tool, SetPassword& request) {
  const auto name = policy::canonical_login_name(request.name);
  const bool possible =
      sasl::is_possible_password(request.password) && request.password.size() <= kMaxHashedPassword;
  const bool too_short = request.password.size() < config_.authd.min_password_length;
  Secret password{request.password};
  wipe(request.password);
  if (!name) return answer_(tool, ToolRefused{kNotAName});
  if (!possible)
    return answer_(tool, ToolRefused{"a password has at most " + std::to_string(kMaxHashedPassword) +
                                     " octets, and no NUL"});
  if (too_short)
    return answer_(tool, ToolRefused{"the password is shorter than " +
                                     std::to_string(config_.authd.min_password_length) + " octets"});
  make(tool, *name, std::move(password));
}

void SecretDesk::make(ToolId tool, const std::string& name, Secret&& password) {
  struct Made {
    StoredSecret secret;
    bool good = false;
  };
  auto made = std::make_shared<Made>();
  made->secret = {name, {}, {wall_clock(), {}}};
  pool_.submit(
      [made, config = config_.authd, key = store_.name_key(), salted = counted_name(name, config_.domains),
       password = std::move(password)] {
        auto hash = make_hash(password, config.yescrypt_cost);
        made->good = hash.has_value();
        if (hash) made->secret.hash = std::move(*hash);
        if (config.scram) made->secret.facts.scram = make_scram_verifiers(password, key, salted);
      },
      [self = self_, tool, made] {
        if (*self == nullptr) return;
        SecretDesk& desk = **self;
        if (!made->good) return desk.answer_(tool, ToolRefused{"libcrypt refuses authd.yescrypt-cost"});
        desk.guarded(tool, [&] { desk.set(tool, {std::move(made->secret)}); });
      });
}

void SecretDesk::handle(ToolId tool, const SetHashes& request) {
  std::vector<StoredSecret> secrets;
  if (request.secrets.size() > kMaxHashes) return answer_(tool, ToolRefused{"too many secrets at once"});
  for (const auto& [text, hash] : request.secrets) {
    auto name = policy::canonical_login_name(text);
    if (!name) return answer_(tool, ToolRefused{text + ": " + kNotAName});
    if (!is_acceptable_secret(hash))
      return answer_(tool,
                     ToolRefused{text + ": not a hash of a method that is still good; see mr-account(8)"});
    secrets.push_back({std::move(*name), hash, {wall_clock(), {}}});
  }
  set(tool, secrets);
}

void SecretDesk::set(ToolId tool, const std::vector<StoredSecret>& secrets) {
  for (const std::string& name : store_.set(secrets)) changed(name);
  for (const StoredSecret& secret : secrets)
    log::write("control-command", {{"tool", "mr-account"}, {"command", "secret " + secret.name}});
  answer_(tool, Done{});
}

void SecretDesk::handle(ToolId tool, const DescribeSecret& request) {
  const auto name = policy::canonical_login_name(request.name);
  if (!name) return answer_(tool, ToolRefused{kNotAName});
  SecretFacts facts;
  const auto hash = store_.hash_of(*name);
  if (!hash) return answer_(tool, facts);
  facts.kind = is_kerberos_secret(*hash) ? SecretKind::kerberos : SecretKind::password;
  if (const auto known = store_.facts_of(*name)) {
    const std::chrono::milliseconds max_age = config_.authd.password_max_age;
    facts.changed = known->changed;
    facts.scram = config_.authd.scram && known->scram.has_value();
    if (facts.kind == SecretKind::password && max_age.count() > 0)
      facts.expires = known->changed + static_cast<std::uint64_t>(max_age.count()) / 1000;
  }
  answer_(tool, facts);
}

void SecretDesk::handle(ToolId tool, const RemoveSecret& request) {
  const auto name = policy::canonical_login_name(request.name);
  if (!name) return answer_(tool, ToolRefused{kNotAName});
  if (store_.remove(*name)) {
    log::write("control-command", {{"tool", "mr-account"}, {"command", "remove-secret " + *name}});
    changed(*name);
  }
  answer_(tool, Done{});
}

void SecretDesk::changed(const std::string& name) {
  if (!tell_policyd_(SecretChanged{name})) untold_.insert(name);
}

void SecretDesk::policyd_came() {
  for (const std::string& name : std::exchange(untold_, {})) changed(name);
}

}  // namespace mailroom::authd
