// The server's side of Kerberos: tickets for our services, verified with the keys of a keytab.
//
// Any key of the keytab that fits the service is taken, so a ticket for imap/mail.example.edu and one for
// imap/host7.example.edu are both good where both keys are there.  Replayed authenticators are refused by
// libkrb5's replay cache, a file in the current directory.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mailroom::kerberos {

// Names of services in principals (RFC 4120 6.2.1, RFC 3501, RFC 5034, RFC 4954).
inline constexpr std::string_view kPop = "pop", kImap = "imap", kSmtp = "smtp";

enum class TicketFault : std::uint8_t {
  malformed,  // not what the protocol allows
  expired,    // or not yet valid, or a clock that differs too much
  replayed,
  wrong_key,  // for another service, or for a key that is not in the keytab
  bindings,   // of another TLS connection (RFC 5929)
  refused,    // everything else
  kLast = refused
};

struct Refusal {
  TicketFault fault = TicketFault::refused;
  std::string detail;  // libkrb5's words
  std::string token;   // of an AP-REQ: the KRB-ERROR (RFC 4120 5.9.1) that tells the client
};

// Whose ticket it was, and who that wants to be.
struct Proof {
  std::string principal;  // NAME[/INSTANCE]@REALM, special characters with a backslash before them
  std::string authzid;    // empty: the one that follows from the principal
  std::string token;      // KPOP: the AP-REP to send
};

class Keytab {
 public:
  // Reads a keytab file (MIT's format), once, into memory.  `descriptor` is open for reading.  Throws
  // std::runtime_error when it is none or has no key.
  explicit Keytab(int descriptor);
  ~Keytab();
  Keytab(Keytab&&) noexcept;
  Keytab& operator=(Keytab&&) noexcept;

  // "imap/mail.example.edu@EXAMPLE.EDU", each once.
  const std::vector<std::string>& principals() const { return principals_; }

  // An AP-REQ (RFC 4120 5.5.1), as KPOP's sendauth carries it, for `service`; for any of ours when that is
  // empty.
  [[nodiscard]] std::expected<Proof, Refusal> accept_request(std::string_view ap_req,
                                                             std::string_view service) const;

 private:
  friend class GssExchange;
  struct Parts;
  std::unique_ptr<Parts> parts_;
  std::vector<std::string> principals_;
};

// One SASL GSSAPI exchange (RFC 4752): security layer "none" only.
class GssExchange {
 public:
  struct Token {
    std::string octets;
  };
  using Step = std::variant<Token, Proof, Refusal>;  // the latter two end the exchange

  // `bindings`: of RFC 5929 with their prefix ("tls-server-end-point:..."), empty for none.  A client that
  // sends none is taken without; one that sends others is refused.  The keytab must outlive this.
  GssExchange(const Keytab& keytab, std::string_view service, std::string bindings);
  ~GssExchange();
  GssExchange(GssExchange&&) noexcept;
  GssExchange& operator=(GssExchange&&) = delete;

  // The client's next message.
  [[nodiscard]] Step respond(std::string_view message);

 private:
  struct Parts;
  Step establish(std::string_view message);
  Step offer_layers();
  Step take_layers(std::string_view message);
  std::unique_ptr<Parts> parts_;
};

}  // namespace mailroom::kerberos
