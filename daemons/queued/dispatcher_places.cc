// Where the dispatcher's messages are to go: which of their targets belong to which visit, by the routes of
// the present.
#include <algorithm>
#include <iterator>
#include <map>
#include <ranges>
#include <set>
#include <string_view>
#include <utility>

#include "daemons/queued/clock.h"
#include "daemons/queued/dispatcher.h"

namespace mailroom::queued {

DestinationNumber Dispatcher::destination_of(const std::string& domain, routing::SenderTls tls) {
  if (domain == queue::kLocalPart) return local_destination_;
  Wanted wanted = routes_.wanted(domain, tls);
  std::string key = routes_.key_of(wanted);
  if (key == kLocalKey) key += '.';
  const DestinationNumber number = schedule_.destination(key);
  wanted_.try_emplace(number, std::move(wanted));
  return number;
}

// Domains of one fixed route are one destination.
Dispatcher::Visits Dispatcher::visits_of(const queue::Entry& entry) {
  Visits visits;
  for (const queue::Part& part : entry.parts) {
    const DestinationNumber number = destination_of(queue_.index().domain(part.domain), entry.tls);
    Schedule::Visit& visit =
        visits.try_emplace(number, Schedule::Visit{number, part.next_attempt, 0}).first->second;
    visit.due = std::min(visit.due, part.next_attempt);
    visit.attempts = std::max(visit.attempts, part.attempts);
  }
  return visits;
}

void Dispatcher::schedule_message(QueueId id, const queue::Entry& entry, Origin origin) {
  Schedule::NewMessage message{.id = id,
                               .sender = entry.sender,
                               .arrived = entry.arrived,
                               .state = entry.held ? Schedule::State::held : Schedule::State::waiting,
                               .warned = entry.warned,
                               .fresh = origin == Origin::outside,
                               .visits = {}};
  std::ranges::copy(std::views::values(visits_of(entry)), std::back_inserter(message.visits));
  schedule_.add(message, microseconds_now());
}

std::vector<std::uint32_t> Dispatcher::parts_for(const queue::Entry& entry, DestinationNumber destination) {
  std::vector<std::uint32_t> parts;
  for (std::uint32_t i = 0; i < entry.parts.size(); ++i)
    if (destination_of(queue_.index().domain(entry.parts[i].domain), entry.tls) == destination)
      parts.push_back(i);
  return parts;
}

std::vector<std::uint32_t> Dispatcher::targets_for(const OpenMessage& message,
                                                   DestinationNumber destination) {
  std::map<std::string_view, bool> domains;
  std::vector<std::uint32_t> out;
  const queue::Envelope& envelope = message.envelope;
  const routing::SenderTls tls = queue::tls_on_the_way(envelope);
  const auto& finished = queue_.index().find(message.id)->finished;
  for (std::uint32_t number = 1; number <= envelope.targets.size(); ++number) {
    const std::string_view domain = queue::domain_of(envelope, envelope.targets[number - 1]);
    const auto [known, is_new] = domains.try_emplace(domain, false);
    if (is_new) known->second = destination_of(std::string{domain}, tls) == destination;
    if (known->second && !std::ranges::binary_search(finished, number) &&
        std::ranges::find(message.settling, number) == message.settling.end())
      out.push_back(number);
  }
  return out;
}

// ---- routes that have changed

void Dispatcher::rerouted() {
  wanted_.clear();
  for (const auto& [id, entry] : queue_.index().entries()) {
    if (!schedule_.knows(id)) continue;
    if (messages_.find(id) != nullptr)  // what is under way has its targets by the routes of before
      misplaced_.insert(id);
    else if (leads_elsewhere(id, entry))
      place_again(id);
  }
}

// Whether its visits are not those that the routes of the present give it.  One for targets that are finished
// costs nothing.
bool Dispatcher::leads_elsewhere(QueueId id, const queue::Entry& entry) {
  std::set<DestinationNumber> placed;
  for (const Schedule::Visit& visit : schedule_.visits(id)) placed.insert(visit.destination);
  return !std::ranges::equal(visits_of(entry), placed, {}, &Visits::value_type::first);
}

// No visit of it is under way.  What the schedule knows of it goes on: the index learns of an attempt, of a
// warning and of an operator's wish only when their records are durable.
void Dispatcher::place_again(QueueId id) {
  const queue::Entry* entry = queue_.index().find(id);
  if (entry == nullptr) return;
  Schedule::NewMessage message{.id = id,
                               .sender = entry->sender,
                               .arrived = entry->arrived,
                               .state =
                                   schedule_.is_held(id) ? Schedule::State::held : Schedule::State::waiting,
                               .warned = schedule_.is_warned(id),
                               .fresh = false,
                               .visits = {}};
  Visits visits = visits_of(*entry);
  for (const Schedule::Visit& known : schedule_.visits(id))
    if (const auto same = visits.find(known.destination); same != visits.end()) same->second = known;
  std::ranges::copy(std::views::values(visits), std::back_inserter(message.visits));
  schedule_.remove(id);
  schedule_.add(message, microseconds_now());
}

// Whether something of it is left that no visit is for: a domain that leads elsewhere since the visits were
// made.
bool Dispatcher::has_unplaced(const OpenMessage& message) {
  std::size_t placed = 0;
  for (const Schedule::Visit& visit : schedule_.visits(message.id))
    placed += targets_for(message, visit.destination).size();
  const queue::Entry& entry = *queue_.index().find(message.id);
  return entry.finished.size() + message.settling.size() + placed < entry.targets;
}

}  // namespace mailroom::queued
