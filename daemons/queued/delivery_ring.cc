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
  messages_.erase(found);
}

std::optional<DeliveryId> DeliveryRing::next() {
  if (outstanding_ >= limit_) return {};
  while (!ring_.empty()) {
    const QueueId id = ring_.front();
    ring_.pop_front();
    const auto found = messages_.find(id);
    if (found == messages_.end() || found->second.left.empty()) continue;
    Message& message = found->second;
    const std::uint32_t target = message.left.front();
    message.left.pop_front();
    message.outstanding.insert(std::ranges::lower_bound(message.outstanding, target), target);
    ++outstanding_;
    if (!message.left.empty()) ring_.push_back(id);
    return DeliveryId{id, target};
  }
  return {};
}

bool DeliveryRing::answered(DeliveryId delivery) {
  const auto found = messages_.find(delivery.queue_id);
  if (found == messages_.end()) return false;
  auto& outstanding = found->second.outstanding;
  const auto at = std::ranges::lower_bound(outstanding, delivery.recipient);
  if (at == outstanding.end() || *at != delivery.recipient) return false;
  outstanding.erase(at);
  --outstanding_;
  return true;
}

bool DeliveryRing::is_done(QueueId id) const {
  const auto found = messages_.find(id);
  return found == messages_.end() || (found->second.left.empty() && found->second.outstanding.empty());
}

void DeliveryRing::interrupted() {
  outstanding_ = 0;
  for (auto& [id, message] : messages_) {
    if (message.outstanding.empty()) continue;
    if (message.left.empty()) ring_.push_back(id);
    message.left.insert(message.left.begin(), message.outstanding.begin(), message.outstanding.end());
    message.outstanding.clear();
  }
}

}  // namespace mailroom::queued
