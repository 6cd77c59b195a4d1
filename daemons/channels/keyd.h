// keyd signs TLS handshakes for connections, and tells authd what it has signed for which; nothing else.
//
// A listener gives keyd one end of a new channel for each connection; its child asks on the other end.  Which
// service asks is known by the listener's own channel.  A child sends the octets that TLS has it sign, so
// that keyd can see what they are: anything that is not a TLS handshake signature, or for another key than
// the service's, is refused and ends the channel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "daemons/channels/types.h"
#include "libcommon/tls/key.h"

namespace mailroom {

// listener -> keyd, with one descriptor: keyd's end of the connection's channel.  Not answered; keyd forgets
// the connection when that channel closes.
struct OpenSigner {
  ConnectionId connection = 0;
  static auto fields(auto& m) { return std::tie(m.connection); }
};
using ListenerToKeyd = std::variant<OpenSigner>;

// keyd never speaks to a listener; the type that a channel needs.
struct KeydNeverSpeaks {
  static auto fields(auto&) { return std::tie(); }
};
using KeydToListener = std::variant<KeydNeverSpeaks>;

// The longest octets to be signed: two randoms of 32 and Diffie-Hellman parameters of 4096 bits (RFC 5246
// 7.4.3); TLS 1.3's have 98 + 64 at most (RFC 8446 4.4.3).
inline constexpr std::size_t kMaxToBeSigned = 64 + 3 * 2 + 1 + 2 * 512;

// connection -> keyd, one at a time
struct Sign {
  tls::KeyId key{};
  tls::SignatureScheme scheme{};
  std::string to_be_signed;  // at most kMaxToBeSigned
  static auto fields(auto& m) { return std::tie(m.key, m.scheme, m.to_be_signed); }
};
using ConnectionToKeyd = std::variant<Sign>;

enum class SignRefusal : std::uint8_t {
  unknown_key,   // no such key, or not one for this service
  wrong_scheme,  // the key cannot make such a signature
  not_tls,       // these octets are not what a TLS server signs with this scheme
  too_many,      // this connection has had its signatures
  kLast = too_many,
};

// keyd -> connection
struct Signature {
  std::string bytes;
  static auto fields(auto& m) { return std::tie(m.bytes); }
};
struct SignRefused {
  SignRefusal refusal = SignRefusal::unknown_key;
  static auto fields(auto& m) { return std::tie(m.refusal); }
};
using KeydToConnection = std::variant<Signature, SignRefused>;

// The last handshake of TLS 1.3 that was signed for a connection: what makes it this one, and no other.
struct SignedHandshake {
  std::vector<Sha256Digest> certificates;  // ours with the key that signed, by the hash of their DER
  std::string to_be_signed;  // ends in the hash of the transcript up to the server's Certificate
  std::string signature;     // of fresh random numbers: no two handshakes have the same
  static auto fields(auto& m) { return std::tie(m.certificates, m.to_be_signed, m.signature); }
};

// authd -> keyd, when a client of the connection logs in by its certificate
struct WhatWasSigned {
  ConnectionId connection = 0;
  static auto fields(auto& m) { return std::tie(m.connection); }
};
using AuthdToKeyd = std::variant<WhatWasSigned>;

// keyd -> authd
struct WasSigned {
  ConnectionId connection = 0;
  std::optional<SignedHandshake> handshake;  // none: no such connection here (any more), or no such handshake
  static auto fields(auto& m) { return std::tie(m.connection, m.handshake); }
};
using KeydToAuthd = std::variant<WasSigned>;

}  // namespace mailroom
