#include "daemons/authd/secret_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/authd/password_hash.h"
#include "daemons/log.h"
#include "daemons/state_failure.h"
#include "libcommon/policy/login_name.h"
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
  try {
    std::visit([&](auto& message) { handle(tool, message); }, request);
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
  auto hash = std::make_shared<std::optional<std::string>>();
  pool_.submit([hash, cost = config_.authd.yescrypt_cost,
                password = std::move(password)] { *hash = make_hash(password, cost); },
               [self = self_, tool, hash, name = *name] {
                 if (*self == nullptr) return;
                 if (!*hash)
                   return (*self)->answer_(tool, ToolRefused{"libcrypt refuses authd.yescrypt-cost"});
                 (*self)->on_request(tool, SetHashes{{{name, **hash}}});
               });
}

void SecretDesk::handle(ToolId tool, const SetHashes& request) {
  std::vector<HashedSecret> secrets;
  if (request.secrets.size() > kMaxHashes) return answer_(tool, ToolRefused{"too many secrets at once"});
  for (const auto& [text, hash] : request.secrets) {
    auto name = policy::canonical_login_name(text);
    if (!name) return answer_(tool, ToolRefused{text + ": " + kNotAName});
    if (!is_acceptable_secret(hash))
      return answer_(tool,
                     ToolRefused{text + ": not a hash of a method that is still good; see mr-account(8)"});
    secrets.push_back({std::move(*name), hash});
  }
  for (const std::string& name : store_.set(secrets)) changed(name);
  for (const auto& [name, hash] : secrets)
    log::write("control-command", {{"tool", "mr-account"}, {"command", "secret " + name}});
  answer_(tool, Done{});
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
