// queued takes content for envelopes that policyd has authorised, and answers when it is durable.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>

#include "daemons/channels/policyd.h"
#include "daemons/channels/types.h"

namespace mailroom {

// Octets of content in one packet.
inline constexpr std::size_t kContentChunk = 64 * 1024;

// listener -> queued (ConnectionOpened with one descriptor)
using ListenerToQueued = std::variant<ConnectionOpened, ConnectionClosed>;

// smtp connection -> queued.  Content in wire form (CRLF), un-dot-stuffed, with the Received line on top.
struct Content {
  TransactionId transaction = 0;
  bool last = false;  // commit: answered by one ContentReply when the message is durable or refused
  std::string bytes;  // at most kContentChunk
  static auto fields(auto& m) { return std::tie(m.transaction, m.last, m.bytes); }
};
struct AbandonContent {  // forget what came so far; not answered
  TransactionId transaction = 0;
  static auto fields(auto& m) { return std::tie(m.transaction); }
};
using ConnectionToQueued = std::variant<Content, AbandonContent>;

// queued -> smtp connection.  May come before `last` when the content is refused; the rest is then dropped.
struct ContentReply {
  TransactionId transaction = 0;
  Reply reply;
  static auto fields(auto& m) { return std::tie(m.transaction, m.reply); }
};
using QueuedToConnection = std::variant<ContentReply>;

}  // namespace mailroom
