// When what is attempted: a pure function of (state, event, time).  Nothing here knows of channels, disks or
// clocks.
//
// A message waits until it is due; then an attempt serves all of its targets that are not finished, and ends
// when each of them has an answer.  Fairness: messages that have never been tried and messages that have are
// begun in turn, and the deliveries of all messages that are being attempted are handed out in turn, so a
// message with a thousand targets or a backlog of a hundred thousand retries delays nobody else.
//
// All targets are local in this version.  Destinations will each have such a schedule, with its own limit.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemons/channels/deliverd.h"

namespace mailroom::queued {

using Microseconds = std::uint64_t;  // since 1970

class Schedule {
 public:
  struct Limits {
    std::vector<Microseconds> waits;  // after each failed attempt; the last one repeats; never empty
    std::uint32_t deliveries = 256;   // handed out and not answered
  };

  // What came of an attempt, once all its deliveries have been answered.
  struct Ended {
    QueueId id = 0;
    std::uint32_t attempts = 0;           // so far, with this one
    std::vector<std::uint32_t> finished;  // targets served by it, ascending
    bool complete = false;                // nothing is left to do: the message is forgotten
    Microseconds next_attempt = 0;        // otherwise
    std::string problem;                  // of the last target that failed
    bool operator==(const Ended&) const = default;
  };

  explicit Schedule(Limits limits) : limits_{std::move(limits)} {}
  void set_limits(Limits limits) { limits_ = std::move(limits); }

  // A message is in the queue.
  enum class State : std::uint8_t { waiting, held };
  void add(QueueId id, Microseconds due, std::uint32_t attempts, State state = State::waiting);
  // It is gone; answers that still come for it are ignored.
  void remove(QueueId id);

  // An operator's wishes; false when there is no such message.  An attempt that has begun goes on to its end.
  bool hold(QueueId id);
  bool release(QueueId id, Microseconds now);
  bool retry(QueueId id, Microseconds now);

  // The next message that is due; it is then no longer waiting, and begin() or postpone() must follow.
  std::optional<QueueId> take_due(Microseconds now);
  // Its attempt begins, for these targets (ascending, not empty).
  void begin(QueueId id, std::vector<std::uint32_t> targets);
  // It cannot be attempted now, and is due again as after a failed attempt.  Returns when.
  Microseconds postpone(QueueId id, Microseconds now);

  // A delivery to hand out now.
  std::optional<DeliveryId> next();
  // The answers.  One for a delivery that is not handed out is ignored.
  std::optional<Ended> delivered(DeliveryId delivery, Microseconds now);
  std::optional<Ended> failed(DeliveryId delivery, const std::string& problem, Microseconds now);
  // Whoever delivers has gone: what was handed out and not answered will be handed out again.
  void interrupted();

  // When take_due() may give a message, if no event comes before.
  std::optional<Microseconds> next_due();
  std::size_t size() const { return messages_.size(); }
  std::size_t active() const { return active_.size(); }
  bool knows(QueueId id) const { return messages_.contains(id); }
  bool is_active(QueueId id) const { return active_.contains(id); }
  bool is_held(QueueId id) const;

 private:
  struct Message {
    Microseconds due = 0;
    std::uint32_t attempts = 0;
    bool held = false;
    bool waiting = true;
  };
  struct Attempt {
    std::deque<std::uint32_t> left;          // not handed out
    std::vector<std::uint32_t> outstanding;  // handed out and not answered
    std::vector<std::uint32_t> finished;
    bool failed = false;
    std::string problem;
  };
  using Due = std::pair<Microseconds, QueueId>;
  using Heap = std::priority_queue<Due, std::vector<Due>, std::greater<>>;

  void wait(QueueId id, const Message& message);
  void drop_stale(Heap& heap);
  std::optional<QueueId> take_from(Heap& heap, Microseconds now);
  Microseconds next_time(QueueId id, std::uint32_t attempts, Microseconds now) const;
  Attempt* answered(DeliveryId delivery);
  std::optional<Ended> end_if_answered(QueueId id, Attempt& attempt, Microseconds now);

  Limits limits_;
  std::unordered_map<QueueId, Message> messages_;
  Heap fresh_;  // never attempted
  Heap retried_;
  bool turn_of_retried_ = false;
  std::unordered_map<QueueId, Attempt> active_;
  std::deque<QueueId> ring_;  // attempts with deliveries left to hand out
  std::uint32_t outstanding_ = 0;
};

}  // namespace mailroom::queued
