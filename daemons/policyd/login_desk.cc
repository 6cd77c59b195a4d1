#include "daemons/policyd/login_desk.h"

#include <vector>

#include "daemons/log.h"
#include "daemons/policyd/admission.h"
#include "daemons/state_failure.h"

namespace mailroom::policyd {

LoginDesk::LoginDesk(event::Loop& loop, Peers& peers, state::Directory& directory, GrantDesk& grants,
                     std::function<void(ConnectionId)> on_identity_lost,
                     std::chrono::milliseconds verdict_time)
    : peers_{peers}, directory_{directory}, grants_{grants}, on_identity_lost_{std::move(on_identity_lost)},
      deadlines_{loop, verdict_time, [this](ConnectionId connection) { expire(connection); }} {}

void LoginDesk::misbehaved(ConnectionId connection, const char* reason) {
  log::write("peer-misbehaved", {{"session", log::Id{connection}},
                                 {"channel", "authd-policyd"},
                                 {"peer", "authd"},
                                 {"reason", reason}});
}

std::expected<state::Account, LoginRefusal> LoginDesk::admit(Service service, const std::string& name) try {
  return admit_account(directory_.view(), service, name);
} catch (const std::exception& error) {
  on_state_failure(error);
  return std::unexpected(LoginRefusal::unavailable);
}

std::expected<void, LoginRefusal> LoginDesk::admit_to_relay(const std::string& principal) try {
  return admit_device(directory_.view(), principal);
} catch (const std::exception& error) {
  on_state_failure(error);
  return std::unexpected(LoginRefusal::unavailable);
}

void LoginDesk::name_proved(const NameProved& message) {
  const Connection* connection = peers_.find(message.connection);
  if (connection == nullptr) {
    // Also a client that has just gone.
    misbehaved(message.connection, "a name proved for no connection");
    return refuse(message.connection, LoginRefusal::unavailable);
  }
  if (!takes_logins(connection->service) || logins_.contains(message.connection)) {
    misbehaved(message.connection, "a name proved out of turn");
    return refuse(message.connection, LoginRefusal::unavailable);
  }
  if (connection->service == Service::relay) {
    if (const auto admitted = admit_to_relay(message.name); !admitted)
      return refuse(message.connection, admitted.error());
    logins_[message.connection] = {Phase::identified, 0, message.name};
    return peers_.tell_authd(Admitted{message.connection});
  }
  const auto account = admit(connection->service, message.name);
  if (!account) return refuse(message.connection, account.error());
  if (is_smtp(connection->service)) {
    logins_[message.connection] = {Phase::identified, account->id, {}};
    return peers_.tell_authd(Admitted{message.connection});
  }
  logins_[message.connection] = {Phase::awaiting_listener, account->id, {}};
  deadlines_.add(message.connection);
  peers_.tell_listener(connection->listener, StartSession{message.connection, account->id, account->name});
}

bool LoginDesk::verdict_taken(ConnectionId connection) {
  const auto found = logins_.find(connection);
  if (found == logins_.end() || found->second.phase == Phase::identified) return false;
  if (found->second.phase == Phase::over) return true;  // too late, and authd has been answered
  found->second.phase = Phase::over;
  note_reading(connection, found->second.account);
  peers_.tell_authd(Admitted{connection});
  return true;
}

// A grant that cannot be stored is not given; the login itself is good.
void LoginDesk::note_reading(ConnectionId id, AccountId account) {
  const Connection* connection = peers_.find(id);
  if (connection == nullptr || grants_.place(connection->peer) != GrantDesk::Place::good) return;
  try {
    if (const auto reader = directory_.view().account(account)) grants_.read_mail(*reader, connection->peer);
  } catch (const std::exception& error) {
    on_state_failure(error);
  }
}

void LoginDesk::expire(ConnectionId connection) {
  const auto found = logins_.find(connection);
  if (found == logins_.end() || found->second.phase != Phase::awaiting_listener) return;
  found->second.phase = Phase::over;
  refuse(connection, LoginRefusal::unavailable);
}

void LoginDesk::secret_changed(const SecretChanged& message) {
  try {
    const auto account = directory_.view().account_named(message.name);
    if (account) return account_changed(account->id, LoginRefusal::bad_credentials);
    end_logins_of_device(message.name);
  } catch (const std::exception& error) {
    on_state_failure(error);
  }
}

void LoginDesk::account_changed(AccountId account, LoginRefusal why) {
  grants_.revoke(account, std::nullopt);
  peers_.tell_session_listeners(EndSessions{account});
  std::vector<ConnectionId> lost;
  for (auto& [connection, login] : logins_) {
    if (login.account != account) continue;
    if (login.phase == Phase::awaiting_listener) refuse(connection, why);
    if (login.phase == Phase::identified) lost.push_back(connection);
    login.phase = Phase::over;
  }
  for (const ConnectionId connection : lost) on_identity_lost_(connection);
}

void LoginDesk::end_logins_of_device(const std::string& principal) {
  std::vector<ConnectionId> lost;
  for (auto& [connection, login] : logins_) {
    if (login.phase != Phase::identified || login.principal != principal) continue;
    login.phase = Phase::over;
    lost.push_back(connection);
  }
  for (const ConnectionId connection : lost) on_identity_lost_(connection);
}

std::optional<AccountId> LoginDesk::identity(ConnectionId connection) const {
  const auto found = logins_.find(connection);
  if (found == logins_.end() || found->second.phase != Phase::identified || found->second.account == 0)
    return std::nullopt;
  return found->second.account;
}

std::string_view LoginDesk::principal(ConnectionId connection) const {
  const auto found = logins_.find(connection);
  if (found == logins_.end() || found->second.phase != Phase::identified) return {};
  return found->second.principal;
}

void LoginDesk::forget(ConnectionId connection) { logins_.erase(connection); }

}  // namespace mailroom::policyd
