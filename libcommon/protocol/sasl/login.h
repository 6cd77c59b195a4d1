// The server's side of SASL LOGIN (draft-murchison-sasl-login-00): two challenges, a name and a password.
// Obsolete, and the only mechanism of some old clients.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "libcommon/protocol/sasl/credentials.h"

namespace mailroom::sasl {

// Clients look at these words, so they are sent exactly so.
inline constexpr std::string_view kLoginNameChallenge = "Username:";
inline constexpr std::string_view kLoginPasswordChallenge = "Password:";

// One exchange.  start() once, then respond() while a challenge comes back.  A fault is told only after the
// password, so that a name alone is never answered differently from another.
class LoginServer {
 public:
  using Step = std::variant<std::string_view, Credentials>;  // the challenge to send, or the end

  // An initial response (RFC 4422 section 4.3, base64 removed) is taken as the name; an empty one as none.
  [[nodiscard]] Step start(std::optional<std::string_view> initial_response);

  // Precondition: the last step was a challenge.
  [[nodiscard]] std::expected<Step, Fault> respond(std::string_view response);

 private:
  void take_name(std::string_view name);

  enum class Awaiting : std::uint8_t { name, password, nothing };
  Awaiting awaiting_ = Awaiting::name;
  std::string name_;
  bool name_possible_ = false;
};

}  // namespace mailroom::sasl
