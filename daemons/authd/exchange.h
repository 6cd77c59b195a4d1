// The SASL exchanges of one connection (RFC 4422 section 3), one at a time: PLAIN and LOGIN.  Pure: it turns
// octets into an attempt to log in, and knows nothing of accounts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "daemons/authd/secret.h"
#include "daemons/channels/authd.h"
#include "libcommon/protocol/sasl/login.h"

namespace mailroom::authd {

// A name and a password to be checked.  An empty name is nobody's: what no account can have (SECURITY.md V12)
// is checked like any wrong password and fails like it.
struct Attempt {
  std::string name;
  Secret password;
};

class Exchange {
 public:
  using Step = std::variant<SaslChallenge, Attempt, LoginRefusal>;  // the latter two end the exchange

  // Precondition: !is_open().  The arguments are overwritten.
  Step start(SaslStart& message);
  // Precondition: is_open().
  Step respond(SaslRespond& message);
  void cancel() { state_ = std::monostate{}; }

  bool is_open() const { return !std::holds_alternative<std::monostate>(state_); }

 private:
  struct AwaitingPlain {};
  Step plain(std::string_view message);
  Step login(const sasl::LoginServer::Step& step);

  std::variant<std::monostate, AwaitingPlain, sasl::LoginServer> state_;
};

}  // namespace mailroom::authd
