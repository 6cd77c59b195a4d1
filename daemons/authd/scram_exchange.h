// One SCRAM exchange (RFC 5802, RFC 7677, RFC 9266), the server's side.  It knows neither accounts nor time:
// who wants to log in comes out after the first message, and that account's verifier goes in.
//
//   start --first()--> named --challenge()--> challenged --check()--> over
//
// With -PLUS a proof is good only together with the bindings of this connection's TLS, and a client that says
// it could have bound its proof, but was not offered to, is refused where it was: somebody has changed the
// offer on its way.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemons/authd/scram_verifier.h"
#include "libcommon/protocol/sasl/scram.h"
#include "libcommon/tls/channel_bindings.h"

namespace mailroom::authd {

class ScramExchange {
 public:
  // Nothing for what is no SCRAM mechanism; the name is compared without regard to case.
  static std::optional<ScramExchange> of_mechanism(std::string_view mechanism, tls::ChannelBindings bindings);

  ScramExchange(ScramExchange&&) = default;
  ScramExchange& operator=(ScramExchange&&) = default;
  ScramExchange(const ScramExchange&) = delete;
  ScramExchange& operator=(const ScramExchange&) = delete;
  ~ScramExchange();

  enum class State : std::uint8_t { start, named, challenged, over };
  State state() const { return state_; }
  Hash hash() const { return hash_; }

  // Precondition: start.  False for what is no such message.
  [[nodiscard]] bool first(std::string_view message);
  // Since first():
  const std::string& name() const { return first_.name; }
  const std::string& authzid() const { return first_.authzid; }
  // Whether the client binds, or does not, in a way that can end well here.
  bool is_bound_right() const;

  // Precondition: named.  `nonce` is fresh, printable and without commas.  Gives the challenge.
  [[nodiscard]] std::string challenge(ScramVerifier verifier, std::string_view nonce);

  enum class Verdict : std::uint8_t { proved, wrong, malformed };
  // Precondition: challenged.
  [[nodiscard]] Verdict check(std::string_view message);
  // After `proved`: what proves to the client that we know its password's verifier.
  const std::string& server_final() const { return server_final_; }

 private:
  ScramExchange(Hash hash, bool plus, tls::ChannelBindings bindings)
      : hash_{hash}, plus_{plus}, bindings_{std::move(bindings)} {}
  std::string expected_binding() const;
  bool proves(const sasl::ScramClientFinal& final, std::string_view auth_message) const;

  Hash hash_;
  bool plus_;
  tls::ChannelBindings bindings_;
  State state_ = State::start;
  sasl::ScramClientFirst first_;
  ScramVerifier verifier_;
  std::string nonce_;         // the client's with ours behind it
  std::string server_first_;  // as it was sent
  std::string server_final_;
};

}  // namespace mailroom::authd
