// Who speaks to authd, and what authd says: SASL for a connection, proved names for policyd.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>

#include "daemons/channels/types.h"
#include "libcommon/tls/channel_bindings.h"

namespace mailroom {

// Why a login was refused; the protocols turn it into their own words.
enum class LoginRefusal : std::uint8_t {
  bad_credentials,
  mechanism_unknown,
  malformed,    // not what the mechanism's grammar allows
  unavailable,  // a server that is needed is not there: try again
  service_off,  // the account may not use this service
  disabled,     // the account is switched off
  expired,      // the password must be changed first
  too_many,     // too many failures for this account, address or connection
  kLast = too_many,
};

// listener -> authd (ConnectionOpened with one descriptor)
using ListenerToAuthd = std::variant<ConnectionOpened, ConnectionClosed>;

// A mechanism of our own, which no client can name: pop3d brings the AP-REQ of a KPOP client as initial
// response, has the AP-REP as challenge (empty when the client wants none), and responds with the name that
// USER gives.  A ticket that is refused may have a KRB-ERROR with its failure.
inline constexpr const char* kKpopMechanism = "kpop";

// connection -> authd
struct SaslStart {
  static constexpr bool kHoldsSecret = true;
  std::string mechanism;
  std::optional<std::string> initial_response;  // decoded; present and empty for "="
  // Of the connection's TLS, as the process that speaks it has them: they say what that process shares with
  // its client, and bind a proof to it.
  tls::ChannelBindings bindings;
  // EXTERNAL: the messages of the connection's handshake, from ClientHello to the client's CertificateVerify
  // (libcommon/protocol/tls), at most tls::kMaxHandshake octets.  Nobody believes them: certd compares them
  // with what keyd has signed for this connection, and with what the client has signed.
  std::string handshake;
  static auto fields(auto& m) { return std::tie(m.mechanism, m.initial_response, m.bindings, m.handshake); }
};
struct SaslRespond {
  static constexpr bool kHoldsSecret = true;
  std::string response;
  static auto fields(auto& m) { return std::tie(m.response); }
};
struct SaslCancel {
  static auto fields(auto&) { return std::tie(); }
};
using ConnectionToAuthd = std::variant<SaslStart, SaslRespond, SaslCancel>;

// authd -> connection
struct SaslChallenge {
  std::string challenge;
  static auto fields(auto& m) { return std::tie(m.challenge); }
};
struct SaslSucceeded {
  std::string name;                            // for the log and the greeting only: authority went to policyd
  std::optional<std::uint32_t> password_days;  // after which the password must be changed, when that is soon
  static auto fields(auto& m) { return std::tie(m.name, m.password_days); }
};
struct SaslFailed {
  LoginRefusal failure = LoginRefusal::bad_credentials;
  std::string token;  // kpop: the KRB-ERROR for the client, where there is one
  static auto fields(auto& m) { return std::tie(m.failure, m.token); }
};
using AuthdToConnection = std::variant<SaslChallenge, SaslSucceeded, SaslFailed>;

// authd -> policyd
struct NameProved {
  ConnectionId connection = 0;
  std::string name;
  static auto fields(auto& m) { return std::tie(m.connection, m.name); }
};
struct SecretChanged {  // live sessions of that name must end
  std::string name;
  static auto fields(auto& m) { return std::tie(m.name); }
};
using AuthdToPolicyd = std::variant<NameProved, SecretChanged>;

// policyd -> authd; Admitted only after the listener has taken the verdict
struct Admitted {
  ConnectionId connection = 0;
  static auto fields(auto& m) { return std::tie(m.connection); }
};
struct NotAdmitted {
  ConnectionId connection = 0;
  LoginRefusal failure = LoginRefusal::service_off;
  static auto fields(auto& m) { return std::tie(m.connection, m.failure); }
};
using PolicydToAuthd = std::variant<Admitted, NotAdmitted>;

}  // namespace mailroom
