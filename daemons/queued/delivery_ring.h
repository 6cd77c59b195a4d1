// Which deliveries into local mailboxes are handed out next.  Pure.
//
// The messages that are being delivered take turns, so one with a thousand targets delays no other, and only
// so many deliveries are out at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemons/channels/deliverd.h"

namespace mailroom::queued {

class DeliveryRing {
 public:
  void set_limit(std::uint32_t deliveries) { limit_ = deliveries; }

  // A message's deliveries: `targets` is not empty.
  void begin(QueueId id, const std::vector<std::uint32_t>& targets);
  // Answers for it are ignored from now on.
  void remove(QueueId id);

  // A delivery to hand out now.
  std::optional<DeliveryId> next();
  // Its answer: false when it is not handed out.
  bool answered(DeliveryId delivery);
  // Whether all of a message's deliveries have been answered.
  bool is_done(QueueId id) const;
  // Whoever delivers has gone: what was handed out and not answered will be handed out again.
  void interrupted();

 private:
  struct Message {
    std::deque<std::uint32_t> left;          // not handed out
    std::vector<std::uint32_t> outstanding;  // handed out and not answered, ascending
  };

  std::unordered_map<QueueId, Message> messages_;
  std::deque<QueueId> ring_;  // messages with deliveries left to hand out
  std::uint32_t outstanding_ = 0;
  std::uint32_t limit_ = 256;
};

}  // namespace mailroom::queued
