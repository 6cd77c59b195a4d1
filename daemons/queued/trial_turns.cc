#include "daemons/queued/trial_turns.h"

namespace mailroom::queued {

template <typename Change>
void TrialTurns::change(SenderKey key, Change&& change) {
  const auto [at, is_new] = senders_.try_emplace(key);
  Sender& sender = at->second;
  if (is_new) sender.since = turns_;
  queue_.erase({sender.active, sender.since, key});
  change(sender);
  if (!sender.waiting.empty())
    queue_.emplace(sender.active, sender.since, key);
  else if (sender.active == 0)
    senders_.erase(at);
}

void TrialTurns::add(const Turn& turn) {
  change(turn.sender, [&](Sender& sender) { sender.waiting.push_back(turn.destination); });
}

std::optional<TrialTurns::Turn> TrialTurns::take() {
  if (queue_.empty() || active_ >= most_) return {};
  const auto [active, since, key] = *queue_.begin();
  if (active >= most_ - active_) return {};
  Turn turn{.sender = key};
  change(key, [&](Sender& sender) {
    turn.destination = sender.waiting.front();
    sender.waiting.pop_front();
    sender.since = ++turns_;
  });
  return turn;
}

void TrialTurns::begin(SenderKey sender) {
  ++active_;
  change(sender, [](Sender& one) { ++one.active; });
}

void TrialTurns::end(SenderKey sender) {
  --active_;
  change(sender, [](Sender& one) { --one.active; });
}

}  // namespace mailroom::queued
