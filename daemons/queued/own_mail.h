// Messages that this system writes itself go into the queue here: reports, and what policyd submits.
//
// Their envelopes name no connection (0), by which they are known for what they are.
#pragma once

#include <functional>
#include <string>

#include "daemons/channels/policyd.h"
#include "spool/queue/queue.h"

namespace mailroom::queued {

class OwnMail {
 public:
  // Called for each message that has become durable.
  using OnAccepted = std::function<void(QueueId, const queue::Envelope&, queue::SharedContent)>;
  // Called once, later: the message is durable (its id), or was not taken (0).
  using Done = std::function<void(QueueId)>;

  OwnMail(queue::Queue& queue, OnAccepted on_accepted)
      : queue_{queue}, on_accepted_{std::move(on_accepted)} {}

  // To one recipient, which has been resolved: to local accounts, or a remote domain.  `settles` as `along`
  // of Queue::accept.
  void send(QueueId id, queue::Envelope envelope, const Recipient& recipient, std::string content, Done done,
            std::optional<queue::Status> settles = {});
  QueueId new_id() { return queue_.new_id(); }

 private:
  queue::Queue& queue_;
  OnAccepted on_accepted_;
};

// Whether somebody has it: AddressResolved and SubmitMessage may name nobody.
inline bool leads_somewhere(const Recipient& recipient) {
  return !recipient.accounts.empty() || !recipient.domain.empty();
}

}  // namespace mailroom::queued
