// What a before-login engine (smtpd, pop3d, imapd) knows of authentication: it carries SASL octets to the
// authority and learns what to say to its client.  Being told Success means that the verdict has already
// reached whoever acts on it (DESIGN.md 2); nothing the engine does or claims afterwards adds authority.
//
// Data is always raw octets; base64 is the engine's business, because each protocol frames it differently.
// One exchange at a time: start, then respond as long as Challenge comes back.  After Success or Failure the
// exchange is over; after Challenge it may also be ended by cancel().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mailroom {

// The most octets one SASL message may have, in either direction, before base64.
// RFC 4422 leaves it open; the largest real one is a GSSAPI ticket with group data (64 KiB is Heimdal's own
// bound). PLAIN with both names and a password at their limits needs 1.5 KiB.
inline constexpr std::size_t kMaxSaslMessage = 12288;

struct AuthChallenge {
  std::string data;
};

struct AuthSuccess {
  std::optional<std::uint32_t> password_days;  // after which the password must be changed, when that is soon
};

// What a client is told of it, for people.
inline std::string password_notice(std::uint32_t days) {
  return days == 1 ? "Your password expires within a day; change it today"
                   : "Your password expires in " + std::to_string(days) + " days; change it soon";
}

struct AuthFailure {
  enum class Kind {
    bad_credentials,        // wrong name or password; one answer for both (SECURITY.md V13)
    unavailable,            // the authority cannot be asked now: the client should try again later
    expired,                // right credentials, but the password must be changed first
    service_off,            // right credentials, but this account may not use this service
    too_many,               // too many failures from this address or for this account
    unsupported_mechanism,  // no such mechanism, or not on this connection
    malformed,              // a SASL message that does not follow the mechanism
  };
  Kind kind = Kind::bad_credentials;
  std::string token = {};  // KPOP: the KRB-ERROR to send; mostly none
};

using AuthStep = std::variant<AuthChallenge, AuthSuccess, AuthFailure>;

class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // What may be named to start() as the connection is, in upper case, the strongest first: some only once TLS
  // is on.
  [[nodiscard]] virtual std::vector<std::string> mechanisms() const = 0;

  // Begins an exchange.  `mechanism` is as the client wrote it, in upper case.  An absent initial response
  // differs from an empty one.  Blocks until the authority answers; never throws for its silence or end
  // (`unavailable`).
  [[nodiscard]] virtual AuthStep start(std::string_view mechanism,
                                       std::optional<std::string_view> initial_response) = 0;

  // The client's answer to the last Challenge.
  [[nodiscard]] virtual AuthStep respond(std::string_view data) = 0;

  // The client gave up ("*"), or broke the framing.
  virtual void cancel() = 0;
};

// The SASL PLAIN message (RFC 4616) of a name and a password that arrived by IMAP LOGIN or POP3 USER and
// PASS. Precondition: neither contains NUL (their grammars exclude it).
inline std::string sasl_plain_message(std::string_view name, std::string_view password) {
  std::string message;
  message.reserve(name.size() + password.size() + 2);
  message.append(1, '\0').append(name).append(1, '\0').append(password);
  return message;
}

}  // namespace mailroom
