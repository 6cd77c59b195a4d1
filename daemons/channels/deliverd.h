// queued has deliverd put bytes into accounts; deliverd says when they are durable there.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "daemons/channels/types.h"

namespace mailroom {

// Names one delivery, for good: what is delivered again under the same name is recognised (DESIGN.md promise
// 2).
struct DeliveryId {
  QueueId queue_id = 0;
  std::uint32_t recipient = 0;  // number of the target within the message, from 1
  auto operator<=>(const DeliveryId&) const = default;
  static auto fields(auto& m) { return std::tie(m.queue_id, m.recipient); }
};

// queued -> deliverd.  Content up to kInlineContent octets is in `content`; larger content comes as one
// sealed memfd.
inline constexpr std::size_t kInlineContent = 64 * 1024;
struct Deliver {
  DeliveryId id;
  AccountId account = 0;
  std::string top;  // the lines to put before the content (Return-Path, Delivered-To), each with CRLF
  std::string content;
  std::uint64_t memfd_size = 0;  // 0: the content is inline
  static auto fields(auto& m) { return std::tie(m.id, m.account, m.top, m.content, m.memfd_size); }
};
using QueuedToDeliverd = std::variant<Deliver>;

// deliverd -> queued
struct Delivered {  // all of these are on disk, with their directory entries
  std::vector<DeliveryId> ids;
  static auto fields(auto& m) { return std::tie(m.ids); }
};
enum class DeliveryFailure : std::uint8_t { no_space, no_mailbox, system_error, kLast = system_error };
struct NotDelivered {  // nothing of it is visible in the account; to be tried again
  DeliveryId id;
  DeliveryFailure failure = DeliveryFailure::system_error;
  std::string detail;  // for the log
  static auto fields(auto& m) { return std::tie(m.id, m.failure, m.detail); }
};
using DeliverdToQueued = std::variant<Delivered, NotDelivered>;

}  // namespace mailroom
