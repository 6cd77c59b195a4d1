// Logins: authd says which name a connection has proved; this says whether that account may use the
// connection's service, to the listener (POP, IMAP) or by noting the identity (SMTP).  authd, and through it
// the client, is answered only after the listener has acknowledged and the grant of POP-before-SMTP is
// stored.
//
//   none -- NameProved --> awaiting_listener -- VerdictTaken --> over        (POP, IMAP)
//   none -- NameProved --> identified                                      (SMTP: an account; at the relay a
//                                                                          principal of a device)
//   awaiting_listener -- kVerdictTime, account changed --> over
//
// Each connection proves one name, once: everything out of turn is refused and logged.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "daemons/policyd/deadlines.h"
#include "daemons/policyd/grant_desk.h"
#include "daemons/policyd/peers.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

// How long a listener may take to acknowledge.
inline constexpr std::chrono::seconds kVerdictTime{10};

class LoginDesk {
 public:
  // `on_identity_lost` is called for each SMTP connection that ceases to be its account's.
  LoginDesk(event::Loop& loop, Peers& peers, state::Directory& directory, GrantDesk& grants,
            std::function<void(ConnectionId)> on_identity_lost,
            std::chrono::milliseconds verdict_time = kVerdictTime);

  void name_proved(const NameProved& message);
  // False when the listener was never asked: it lies.
  [[nodiscard]] bool verdict_taken(ConnectionId connection);
  void secret_changed(const SecretChanged& message);

  // Ends what runs as that account, everywhere.
  void account_changed(AccountId account, LoginRefusal why);

  // The account that an SMTP connection has proved to be.
  std::optional<AccountId> identity(ConnectionId connection) const;
  // The device's principal that a connection to the relay has proved; empty for none.  Whose it is by the
  // time of a question is the directory's to say.
  std::string_view principal(ConnectionId connection) const;

  void forget(ConnectionId connection);

 private:
  enum class Phase : std::uint8_t { awaiting_listener, identified, over };
  struct Login {
    Phase phase = Phase::over;
    AccountId account = 0;
    std::string principal;  // in place of an account
  };

  std::expected<state::Account, LoginRefusal> admit(Service service, const std::string& name);
  std::expected<void, LoginRefusal> admit_to_relay(const std::string& principal);
  void end_logins_of_device(const std::string& principal);
  void refuse(ConnectionId connection, LoginRefusal why) { peers_.tell_authd(NotAdmitted{connection, why}); }
  void misbehaved(ConnectionId connection, const char* reason);
  void note_reading(ConnectionId id, AccountId account);
  void expire(ConnectionId connection);

  Peers& peers_;
  state::Directory& directory_;
  GrantDesk& grants_;
  std::function<void(ConnectionId)> on_identity_lost_;
  std::map<ConnectionId, Login> logins_;
  Deadlines<ConnectionId> deadlines_;
};

}  // namespace mailroom::policyd
