// Which deliveries into local mailboxes are handed out next.  Pure.
//
// The messages that are being delivered take turns, so one with a thousand targets delays no other, and only
// so many deliveries are out at a time.
//
// Whoever delivers may end because of a delivery, and would do so again and again, to the harm of all others.
// So those that were out at such an end are suspects: they go first, each alone.
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
  // Ends of whoever delivers that a delivery may be alone at: one may have been somebody's kill.
  static constexpr unsigned kMostEnds = 2;

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
  // Whoever delivers has gone: what was handed out and not answered will be handed out again.  But for one
  // that was alone at so many ends: it is returned, stays handed out, and is the caller's to answer.
  std::optional<DeliveryId> interrupted();

 private:
  using Ring = std::deque<QueueId>;
  struct Message {
    std::deque<std::uint32_t> left;          // not handed out
    std::deque<std::uint32_t> suspects;      // the same, of those that were out at an end
    std::vector<std::uint32_t> outstanding;  // handed out and not answered, ascending
  };

  std::optional<DeliveryId> next_suspect();
  std::optional<DeliveryId> next_in_turn();
  DeliveryId hand_out(QueueId id, Message& message, std::deque<std::uint32_t>& from, Ring& ring);
  void acquit();

  std::unordered_map<QueueId, Message> messages_;
  Ring ring_;                        // messages with deliveries left to hand out
  Ring suspected_;                   // messages with suspects
  std::optional<DeliveryId> alone_;  // the suspect that is handed out
  unsigned ends_ = 0;                // that it was alone at
  std::uint32_t outstanding_ = 0;
  std::uint32_t limit_ = 256;
};

}  // namespace mailroom::queued
