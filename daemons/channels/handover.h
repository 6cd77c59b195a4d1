// Between a listener and the processes it forks, one channel for each.
//
// What a client sent never passes through the listener's hands as data: it travels from the child before
// login to the session in a memfd that the listener passes on unread (DESIGN.md promise 6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>

#include "libcommon/tls/record_state.h"

namespace mailroom {

// child -> listener.  Descriptors: the memfd with an encoded SessionStart; then the client's socket, unless
// `relayed`.
struct HandOver {
  bool relayed = false;  // TLS ends in the child, which goes on as the relay of this one connection
  static auto fields(auto& m) { return std::tie(m.relayed); }
};
// child -> listener: needs keyd for a handshake, once
struct WantSigner {
  static auto fields(auto&) { return std::tie(); }
};
using ChildToListener = std::variant<HandOver, WantSigner>;

// listener -> child
struct SignerOpened {  // one descriptor: this connection's channel to keyd
  static auto fields(auto&) { return std::tie(); }
};
struct SessionOpened {  // one descriptor if relayed: the session's octets
  static auto fields(auto&) { return std::tie(); }
};
struct Refused {  // no keyd now; or no valid verdict, no directory, no room
  static auto fields(auto&) { return std::tie(); }
};
using ListenerToChild = std::variant<SignerOpened, SessionOpened, Refused>;

// In the memfd, from the child before login to the session, at most kMaxSessionStart octets.
inline constexpr std::size_t kMaxSessionStart = 128 * 1024;
struct SessionStart {
  std::string context;                      // what the login command's answer needs (IMAP: its tag)
  std::string pre_read;                     // octets of the client that came with or after the login command
  std::string tls;                          // version and cipher for the log; empty: none
  std::optional<tls::RecordState> records;  // TLS moves with the socket
  static auto fields(auto& m) { return std::tie(m.context, m.pre_read, m.tls, m.records); }
};

}  // namespace mailroom
