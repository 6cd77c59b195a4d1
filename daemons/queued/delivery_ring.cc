#include "daemons/queued/delivery_ring.h"

#include <algorithm>

namespace mailroom::queued {

void DeliveryRing::begin(QueueId id, const std::vector<std::uint32_t>& targets) {
  messages_[id].left.assign(targets.begin(), targets.end());
  ring_.push_back(id);
}

void DeliveryRing::remove(QueueId id) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return;
  outstanding_ -= static_cast<std::uint32_t>(found->second.outstanding.size());
  if (alone_ && alone_->queue_id == id) acquit();
  messages_.erase(found);
}

std::optional<DeliveryId> DeliveryRing::next() {
  if (alone_ || outstanding_ >= limit_) return {};
  alone_ = next_suspect();
  return alone_ ? alone_ : next_in_turn();
}

std::optional<DeliveryId> DeliveryRing::next_suspect() {
  while (!suspected_.empty()) {
    const QueueId id = suspected_.front();
    suspected_.pop_front();
    const auto found = messages_.find(id);
    if (found != messages_.end() && !found->second.suspects.empty())
      return hand_out(id, found->second, found->second.suspects, suspected_);
  }
  return {};
}

std::optional<DeliveryId> DeliveryRing::next_in_turn() {
  while (!ring_.empty()) {
    const QueueId id = ring_.front();
    ring_.pop_front();
    const auto found = messages_.find(id);
    if (found != messages_.end() && !found->second.left.empty())
      return hand_out(id, found->second, found->second.left, ring_);
  }
  return {};
}

DeliveryId DeliveryRing::hand_out(QueueId id, Message& message, std::deque<std::uint32_t>& from, Ring& ring) {
  const std::uint32_t target = from.front();
  from.pop_front();
  if (!from.empty()) ring.push_back(id);
  message.outstanding.insert(std::ranges::lower_bound(message.outstanding, target), target);
  ++outstanding_;
  return {id, target};
}

void DeliveryRing::acquit() {
  alone_.reset();
  ends_ = 0;
}

bool DeliveryRing::answered(DeliveryId delivery) {
  const auto found = messages_.find(delivery.queue_id);
  if (found == messages_.end()) return false;
  auto& outstanding = found->second.outstanding;
  const auto at = std::ranges::lower_bound(outstanding, delivery.recipient);
  if (at == outstanding.end() || *at != delivery.recipient) return false;
  outstanding.erase(at);
  --outstanding_;
  if (alone_ == delivery) acquit();
  return true;
}

bool DeliveryRing::is_done(QueueId id) const {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return true;
  const Message& message = found->second;
  return message.left.empty() && message.suspects.empty() && message.outstanding.empty();
}

// What was alone goes first again, so that its ends are counted together.
std::optional<DeliveryId> DeliveryRing::interrupted() {
  if (alone_ && ++ends_ >= kMostEnds) return alone_;
  alone_.reset();
  outstanding_ = 0;
  for (auto& [id, message] : messages_) {
    if (message.outstanding.empty()) continue;
    suspected_.push_front(id);
    message.suspects.insert(message.suspects.begin(), message.outstanding.begin(), message.outstanding.end());
    message.outstanding.clear();
  }
  return {};
}

}  // namespace mailroom::queued
