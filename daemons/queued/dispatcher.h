// Mail on its way out: has deliverd put into accounts what the schedule says is due, and remembers what came
// of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemons/channels/deliverd.h"
#include "daemons/config.h"
#include "daemons/queued/schedule.h"
#include "libcommon/event/channel_handler.h"
#include "spool/queue/queue.h"

namespace mailroom::queued {

class Dispatcher {
 public:
  // Schedules all that is in the queue.
  Dispatcher(event::Loop& loop, queue::Queue& queue, const Config& config);

  void attach_deliverd(Fd fd);
  void reconfigured();

  // A new message is durable; its content, if it is still in memory, saves reading it again.
  void accepted(QueueId id, const queue::Envelope& envelope, queue::SharedContent content);

  // An operator's wishes; false when there is no such message.
  bool hold(QueueId id);
  bool release(QueueId id);
  bool retry(QueueId id);
  bool remove(QueueId id);
  // What is to be delivered, as of now; the queue's own records follow.
  const Schedule& schedule() const { return schedule_; }

 private:
  // A message whose attempt has begun.
  struct Active {
    queue::Envelope envelope;
    std::uint64_t arrived = 0;  // microseconds since 1970
    std::string content;        // up to kInlineContent octets
    Fd memfd;                   // longer content
    std::uint64_t size = 0;
  };
  struct Fresh {
    queue::Envelope envelope;
    queue::SharedContent content;
  };
  using DeliverdChannel = event::ChannelHandler<QueuedToDeliverd, DeliverdToQueued>;

  void run();
  void begin(QueueId id);
  std::expected<Active, queue::ReadProblem> load(QueueId id);
  void could_not_load(QueueId id, queue::ReadProblem problem);
  void send(DeliveryId delivery);
  void on_delivered(const Delivered& message);
  void on_not_delivered(const NotDelivered& message);
  void end(const Schedule::Ended& ended);
  void hold_if_expired(QueueId id, const std::string& problem);
  void forget_active(QueueId id);
  void arm_timer();
  Schedule::Limits limits() const;

  event::Loop& loop_;
  queue::Queue& queue_;
  const Config& config_;
  Schedule schedule_;
  std::unique_ptr<DeliverdChannel> deliverd_;
  std::unordered_map<QueueId, Fresh> fresh_;
  std::uint64_t fresh_octets_ = 0;
  std::unordered_map<QueueId, Active> active_;
  std::uint64_t active_octets_ = 0;
  event::Timer due_;
};

}  // namespace mailroom::queued
