// The part of the schedule that is about destinations as a whole: their numbers, turns, failures and holds.
#include <algorithm>
#include <utility>

#include "daemons/queued/schedule.h"

namespace mailroom::queued {
namespace {

// Senders of one destination on trial that are given a turn for it at a time, and lanes that are looked at.
constexpr std::size_t kOffered = 8;
constexpr std::size_t kLookedAt = 64;

}  // namespace

DestinationNumber Schedule::destination(const std::string& key, DestinationKind kind) {
  const auto [at, is_new] = numbers_.try_emplace(key, last_number_ + 1);
  if (is_new) {
    destinations_.emplace(++last_number_, Destination{key, kind});
    lines_.try_emplace(last_number_);
  }
  return at->second;
}

const Destination* Schedule::find(DestinationNumber number) const {
  const auto found = destinations_.find(number);
  return found == destinations_.end() ? nullptr : &found->second;
}

std::optional<DestinationNumber> Schedule::find(const std::string& key) const {
  const auto found = numbers_.find(key);
  if (found == numbers_.end()) return {};
  return found->second;
}

std::uint32_t Schedule::waiting_for(DestinationNumber number) const {
  const auto found = lines_.find(number);
  return found == lines_.end() ? 0 : found->second.jobs;
}

std::uint32_t Schedule::most(const Destination& destination) const {
  return destination.kind() == DestinationKind::local ? limits_.local : limits_.per_destination;
}

bool Schedule::is_trial(const Destination& destination) {
  return destination.kind() == DestinationKind::remote && !destination.is_proved();
}

void Schedule::offer(DestinationNumber number) {
  const Destination& destination = destinations_.at(number);
  Line& line = lines_.at(number);
  if (line.lanes.empty() || !destination.has_room(most(destination))) return;
  if (is_trial(destination)) {
    auto lane = line.lanes.begin();
    std::size_t given = 0;
    for (std::size_t i = 0; i < kLookedAt && given < kOffered && lane != line.lanes.end(); ++i, ++lane)
      given += offer_trial(line, {lane->sender(), number}) ? 1 : 0;
  } else if (!std::exchange(line.in_turn, true)) {
    (destination.kind() == DestinationKind::local ? local_turns_ : remote_turns_).push_back(number);
  }
}

// False when the sender has a turn for it.
bool Schedule::offer_trial(Line& line, const TrialTurns::Turn& turn) {
  const bool is_new = line.on_trial.insert(turn.sender).second;
  if (is_new) trials_.add(turn);
  return is_new;
}

void Schedule::worked(DestinationNumber number) {
  const auto found = destinations_.find(number);
  if (found == destinations_.end()) return;
  found->second.worked(limits_.per_destination);
  offer(number);
}

void Schedule::failed(DestinationNumber number, Microseconds now) {
  const auto found = destinations_.find(number);
  if (found == destinations_.end()) return;
  if (const Microseconds until = found->second.failed(limits_.waits, seed_ ^ number, now))
    blocked_.emplace(until, number);
}

void Schedule::unblock(DestinationNumber number) {
  destinations_.at(number).unblock();
  offer(number);
}

void Schedule::hold_destination(const std::string& key) { destinations_.at(destination(key)).hold(true); }

bool Schedule::release_destination(const std::string& key, Microseconds now) {
  const auto number = find(key);
  if (number) destinations_.at(*number).hold(false);
  return number && retry_destination(key, now);
}

bool Schedule::retry_destination(const std::string& key, Microseconds now) {
  const auto number = find(key);
  if (!number) return false;
  for (VisitNumber visit = 0; visit < jobs_.size(); ++visit)
    if (jobs_[visit].stage == Stage::waiting && jobs_[visit].destination == *number) wait(visit, now);
  unblock(*number);
  return true;
}

std::vector<DestinationNumber> Schedule::forget_unused() {
  std::vector<DestinationNumber> forgotten;
  for (auto& [number, line] : lines_) {
    const Destination& destination = destinations_.at(number);
    const bool idle =
        line.jobs == 0 && line.lanes.empty() && destination.blocked_until() == 0 && !destination.is_held();
    if (idle && !std::exchange(line.used, false) && destination.kind() == DestinationKind::remote)
      forgotten.push_back(number);
  }
  for (const DestinationNumber number : forgotten) {
    numbers_.erase(destinations_.at(number).key());
    destinations_.erase(number);
    lines_.erase(number);
  }
  return forgotten;
}

}  // namespace mailroom::queued
