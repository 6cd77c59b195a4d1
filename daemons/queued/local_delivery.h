// Mail into the mailboxes of this system: hands deliveries to deliverd, and says what came of them.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "daemons/channels/deliverd.h"
#include "daemons/queued/delivery_ring.h"
#include "daemons/queued/open_messages.h"
#include "daemons/queued/target_result.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom::queued {

// What is said of a message that carries its recipient's address in a Delivered-To field (SECURITY.md V16).
Reply delivered_before();

class LocalDelivery {
 public:
  // Each message that was begun ends once, with a result for each of its targets.
  using OnEnded = std::function<void(QueueId, TargetResults)>;
  // Something may be begun again: deliverd is back.
  using OnReady = std::function<void()>;

  LocalDelivery(event::Loop& loop, OpenMessages& messages, OnEnded on_ended, OnReady on_ready)
      : loop_{loop}, messages_{messages}, on_ended_{std::move(on_ended)}, on_ready_{std::move(on_ready)} {}

  void attach_deliverd(LeasedFd fd);
  void set_limit(std::uint32_t deliveries) { ring_.set_limit(deliveries); }
  bool is_able() const { return deliverd_ != nullptr; }

  // An open message, and which of its targets to deliver; not empty.  Those that it has been delivered to
  // before are refused (queue::Envelope::looping).
  void begin(QueueId id, const std::vector<std::uint32_t>& targets);
  // It is gone: no result comes.
  void forget(QueueId id);

 private:
  using Channel = event::ChannelHandler<QueuedToDeliverd, DeliverdToQueued>;

  void gone();
  void hand_out();
  void send(DeliveryId delivery);
  void on_message(const Delivered& message);
  void on_message(const NotDelivered& message);
  void note(DeliveryId delivery, TargetResult result);
  void end(QueueId id);

  event::Loop& loop_;
  OpenMessages& messages_;
  OnEnded on_ended_;
  OnReady on_ready_;
  DeliveryRing ring_;
  std::unique_ptr<Channel> deliverd_;
  std::unordered_map<QueueId, TargetResults> results_;
};

}  // namespace mailroom::queued
