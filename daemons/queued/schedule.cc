#include "daemons/queued/schedule.h"

#include <algorithm>

namespace mailroom::queued {
namespace {

// Of a waiting time, so that messages that failed together do not come back together.
constexpr std::uint64_t kJitterPercent = 10;

// Spreads neighbouring numbers (the finalizer of splitmix64).
std::uint64_t scatter(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

void insert_sorted(std::vector<std::uint32_t>& numbers, std::uint32_t number) {
  numbers.insert(std::ranges::lower_bound(numbers, number), number);
}

}  // namespace

void Schedule::add(QueueId id, Microseconds due, std::uint32_t attempts, State state) {
  const Message message{due, attempts, state == State::held, true};
  messages_[id] = message;
  if (!message.held) wait(id, message);
}

void Schedule::remove(QueueId id) {
  messages_.erase(id);
  const auto attempt = active_.find(id);
  if (attempt == active_.end()) return;
  outstanding_ -= static_cast<std::uint32_t>(attempt->second.outstanding.size());
  active_.erase(attempt);
}

bool Schedule::hold(QueueId id) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return false;
  found->second.held = true;
  return true;
}

bool Schedule::release(QueueId id, Microseconds now) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return false;
  found->second.held = false;
  return retry(id, now);
}

bool Schedule::retry(QueueId id, Microseconds now) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return false;
  Message& message = found->second;
  message.due = now;
  if (message.waiting && !message.held) wait(id, message);
  return true;
}

bool Schedule::is_held(QueueId id) const {
  const auto found = messages_.find(id);
  return found != messages_.end() && found->second.held;
}

void Schedule::wait(QueueId id, const Message& message) {
  (message.attempts == 0 ? fresh_ : retried_).emplace(message.due, id);
}

// Entries of the heaps are not removed when a message changes, but here.
void Schedule::drop_stale(Heap& heap) {
  while (!heap.empty()) {
    const auto found = messages_.find(heap.top().second);
    if (found != messages_.end() && found->second.waiting && !found->second.held &&
        found->second.due == heap.top().first)
      return;
    heap.pop();
  }
}

std::optional<QueueId> Schedule::take_from(Heap& heap, Microseconds now) {
  drop_stale(heap);
  if (heap.empty() || heap.top().first > now) return {};
  const QueueId id = heap.top().second;
  heap.pop();
  messages_.at(id).waiting = false;
  return id;
}

std::optional<QueueId> Schedule::take_due(Microseconds now) {
  Heap& first = turn_of_retried_ ? retried_ : fresh_;
  Heap& second = turn_of_retried_ ? fresh_ : retried_;
  turn_of_retried_ = !turn_of_retried_;
  if (const auto id = take_from(first, now)) return id;
  return take_from(second, now);
}

void Schedule::begin(QueueId id, std::vector<std::uint32_t> targets) {
  active_[id].left.assign(targets.begin(), targets.end());
  ring_.push_back(id);
}

Microseconds Schedule::postpone(QueueId id, Microseconds now) {
  Message& message = messages_.at(id);
  message.waiting = true;
  message.due = next_time(id, ++message.attempts, now);
  if (!message.held) wait(id, message);
  return message.due;
}

Microseconds Schedule::next_time(QueueId id, std::uint32_t attempts, Microseconds now) const {
  const Microseconds wait = limits_.waits[std::min<std::size_t>(attempts - 1, limits_.waits.size() - 1)];
  const Microseconds range = wait * 2 * kJitterPercent / 100;
  return now + wait - range / 2 + (range == 0 ? 0 : scatter(id ^ attempts) % range);
}

std::optional<DeliveryId> Schedule::next() {
  if (outstanding_ >= limits_.deliveries) return {};
  while (!ring_.empty()) {
    const QueueId id = ring_.front();
    ring_.pop_front();
    const auto found = active_.find(id);
    if (found == active_.end() || found->second.left.empty()) continue;
    Attempt& attempt = found->second;
    const std::uint32_t target = attempt.left.front();
    attempt.left.pop_front();
    insert_sorted(attempt.outstanding, target);
    ++outstanding_;
    if (!attempt.left.empty()) ring_.push_back(id);
    return DeliveryId{id, target};
  }
  return {};
}

// The attempt, with the delivery taken off those outstanding; null when it was not.
Schedule::Attempt* Schedule::answered(DeliveryId delivery) {
  const auto found = active_.find(delivery.queue_id);
  if (found == active_.end()) return nullptr;
  auto& outstanding = found->second.outstanding;
  const auto at = std::ranges::lower_bound(outstanding, delivery.recipient);
  if (at == outstanding.end() || *at != delivery.recipient) return nullptr;
  outstanding.erase(at);
  --outstanding_;
  return &found->second;
}

std::optional<Schedule::Ended> Schedule::delivered(DeliveryId delivery, Microseconds now) {
  Attempt* attempt = answered(delivery);
  if (attempt == nullptr) return {};
  insert_sorted(attempt->finished, delivery.recipient);
  return end_if_answered(delivery.queue_id, *attempt, now);
}

std::optional<Schedule::Ended> Schedule::failed(DeliveryId delivery, const std::string& problem,
                                                Microseconds now) {
  Attempt* attempt = answered(delivery);
  if (attempt == nullptr) return {};
  attempt->failed = true;
  attempt->problem = problem;
  return end_if_answered(delivery.queue_id, *attempt, now);
}

std::optional<Schedule::Ended> Schedule::end_if_answered(QueueId id, Attempt& attempt, Microseconds now) {
  if (!attempt.left.empty() || !attempt.outstanding.empty()) return {};
  Message& message = messages_.at(id);
  Ended ended{id, message.attempts + 1,      std::move(attempt.finished), !attempt.failed,
              0,  std::move(attempt.problem)};
  active_.erase(id);
  if (ended.complete)
    messages_.erase(id);
  else
    ended.next_attempt = postpone(id, now);
  return ended;
}

void Schedule::interrupted() {
  outstanding_ = 0;
  for (auto& [id, attempt] : active_) {
    if (attempt.outstanding.empty()) continue;
    if (attempt.left.empty()) ring_.push_back(id);
    attempt.left.insert(attempt.left.begin(), attempt.outstanding.begin(), attempt.outstanding.end());
    attempt.outstanding.clear();
  }
}

std::optional<Microseconds> Schedule::next_due() {
  drop_stale(fresh_);
  drop_stale(retried_);
  std::optional<Microseconds> first;
  for (const Heap* heap : {&fresh_, &retried_})
    if (!heap->empty() && (!first || heap->top().first < *first)) first = heap->top().first;
  return first;
}

}  // namespace mailroom::queued
