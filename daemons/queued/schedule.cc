#include "daemons/queued/schedule.h"

#include <algorithm>

namespace mailroom::queued {
namespace {

// Entries of a heap that may be out of date before it is made anew, beyond as many as are valid.
constexpr std::size_t kSpareEntries = 1024;

// Of what may be under way to other hosts: so much of it may be on trial.
std::uint32_t most_trials(std::uint32_t remote) { return std::max(remote - remote / 4, 1U); }

}  // namespace

Schedule::Schedule(Limits limits, std::uint64_t seed) : limits_{std::move(limits)}, seed_{seed} {
  trials_.set_limit(most_trials(limits_.remote));
}

// ---- visits

Schedule::VisitNumber Schedule::new_job(const Job& job) {
  Line& line = lines_.at(job.destination);
  ++line.jobs;
  line.used = true;
  if (free_jobs_.empty()) {
    jobs_.push_back(job);
    return static_cast<VisitNumber>(jobs_.size() - 1);
  }
  const VisitNumber number = free_jobs_.back();
  free_jobs_.pop_back();
  jobs_[number] = job;
  return number;
}

void Schedule::free_job(VisitNumber number) {
  jobs_[number] = Job{};
  free_jobs_.push_back(number);
}

// A visit that is over for good.  One in a lane stays there until its turn.
void Schedule::drop_job(VisitNumber number) {
  Job& job = jobs_[number];
  --lines_.at(job.destination).jobs;
  if (job.stage == Stage::active) end_visit(number);
  if (job.stage == Stage::ready)
    job.stage = Stage::gone;
  else
    free_job(number);
}

Schedule::VisitNumber Schedule::active_job(const Given& visit) const {
  const auto message = messages_.find(visit.id);
  if (message == messages_.end()) return kNone;
  for (VisitNumber number = message->second.first; number != kNone; number = jobs_[number].sibling)
    if (jobs_[number].destination == visit.destination)
      return jobs_[number].stage == Stage::active ? number : kNone;
  return kNone;
}

void Schedule::end_visit(VisitNumber number) {
  Job& job = jobs_[number];
  job.stage = Stage::parked;
  --messages_.at(job.id).active;
  Destination& destination = destinations_.at(job.destination);
  destination.end();
  if (destination.kind() == DestinationKind::remote) --remote_active_;
  if (std::exchange(job.is_trial, false)) trials_.end(job.sender);
  offer(job.destination);
}

void Schedule::wait(VisitNumber number, Microseconds due) {
  Job& job = jobs_[number];
  job.stage = Stage::waiting;
  job.due = due;
  waiting_.emplace(due, number);
}

Schedule::Lane& Schedule::lane_of(Line& line, const Job& job, Place place) {
  const std::uint64_t key = Lane::key_of(job.sender, job.attempts);
  const auto [at, is_new] = line.by_key.try_emplace(key);
  if (is_new)
    at->second = line.lanes.insert(place == Place::front ? line.lanes.begin() : line.lanes.end(),
                                   Lane{.key = key, .served = line.turns});
  return *at->second;
}

void Schedule::make_ready(VisitNumber number, Place place) {
  Job& job = jobs_[number];
  job.stage = Stage::ready;
  job.next_in_lane = kNone;
  Line& line = lines_.at(job.destination);
  Lane& lane = lane_of(line, job, place);
  if (lane.first == kNone) {
    lane.first = lane.last = number;
  } else if (place == Place::front) {
    job.next_in_lane = std::exchange(lane.first, number);
  } else {
    lane.last = jobs_[lane.last].next_in_lane = number;
  }
  const Destination& destination = destinations_.at(job.destination);
  if (is_trial(destination) && destination.has_room(most(destination)))
    offer_trial(line, {job.sender, job.destination});
  else
    offer(job.destination);
}

// The first of that lane, which goes to the end of the line.
Schedule::VisitNumber Schedule::take_from(Line& line, Lanes::iterator lane) {
  const VisitNumber number = lane->first;
  lane->first = jobs_[number].next_in_lane;
  lane->served = ++line.turns;
  if (lane->first != kNone) {
    line.lanes.splice(line.lanes.end(), line.lanes, lane);
  } else {
    line.by_key.erase(lane->key);
    line.lanes.erase(lane);
  }
  return number;
}

// The first of that lane, when it can be visited.
std::optional<Schedule::VisitNumber> Schedule::take_visit(Line& line, Lanes::iterator lane) {
  const VisitNumber number = take_from(line, lane);
  Job& job = jobs_[number];
  if (job.stage == Stage::gone)
    free_job(number);
  else if (is_visited(messages_.at(job.id)))
    return number;
  else
    job.stage = Stage::parked;
  return {};
}

std::optional<Schedule::VisitNumber> Schedule::take_ready(Line& line) {
  while (!line.lanes.empty())
    if (const auto visit = take_visit(line, line.lanes.begin())) return visit;
  return {};
}

// What is new and what is tried again take turns.
std::optional<Schedule::VisitNumber> Schedule::take_ready_of(Line& line, SenderKey sender) {
  for (;;) {
    const auto fresh = line.by_key.find(Lane::key_of(sender, 0)),
               again = line.by_key.find(Lane::key_of(sender, 1));
    const auto none = line.by_key.end();
    if (fresh == none && again == none) return {};
    const bool is_fresh = again == none || (fresh != none && fresh->second->served <= again->second->served);
    if (const auto visit = take_visit(line, (is_fresh ? fresh : again)->second)) return visit;
  }
}

std::optional<Schedule::Given> Schedule::take_turn(std::deque<DestinationNumber>& turns) {
  while (!turns.empty()) {
    const DestinationNumber number = turns.front();
    turns.pop_front();
    const auto line = lines_.find(number);
    if (line == lines_.end()) continue;
    line->second.in_turn = false;
    const Destination& destination = destinations_.at(number);
    if (is_trial(destination)) {  // it has failed since
      offer(number);
      continue;
    }
    if (!destination.has_room(most(destination))) continue;
    if (const auto visit = take_ready(line->second)) return begin(*visit);
  }
  return {};
}

std::optional<Schedule::Given> Schedule::take_trial() {
  while (const auto turn = trials_.take()) {
    const auto line = lines_.find(turn->destination);
    if (line == lines_.end()) continue;
    line->second.on_trial.erase(turn->sender);
    const Destination& destination = destinations_.at(turn->destination);
    if (!destination.has_room(most(destination))) continue;  // when it has, its senders are offered it again
    if (const auto visit = take_ready_of(line->second, turn->sender)) return begin(*visit);
    offer(turn->destination);
  }
  return {};
}

std::optional<Schedule::Given> Schedule::take_remote() {
  turn_of_trials_ = !turn_of_trials_;
  if (turn_of_trials_)
    if (const auto given = take_trial()) return given;
  if (const auto given = take_turn(remote_turns_)) return given;  // may put destinations on trial
  return take_trial();
}

Schedule::Given Schedule::begin(VisitNumber number) {
  Job& job = jobs_[number];
  job.stage = Stage::active;
  ++messages_.at(job.id).active;
  Destination& destination = destinations_.at(job.destination);
  destination.begin();
  lines_.at(job.destination).used = true;
  if (destination.kind() == DestinationKind::remote) ++remote_active_;
  job.is_trial = is_trial(destination);
  if (job.is_trial) trials_.begin(job.sender);
  offer(job.destination);
  return {job.id, job.destination};
}

std::optional<Schedule::Given> Schedule::next(Microseconds now, Able able) {
  wake(now);
  able.remote = able.remote && remote_active_ < limits_.remote;
  turn_of_remote_ = !turn_of_remote_;
  for (const bool remote : {turn_of_remote_, !turn_of_remote_})
    if (remote ? able.remote : able.local)
      if (const auto given = remote ? take_remote() : take_turn(local_turns_)) return given;
  return {};
}

bool Schedule::finished(const Given& visit) {
  const VisitNumber number = active_job(visit);
  if (number == kNone) return false;
  Message& message = messages_.at(visit.id);
  VisitNumber* link = &message.first;
  while (*link != number) link = &jobs_[*link].sibling;
  *link = jobs_[number].sibling;
  drop_job(number);
  return true;
}

std::optional<Schedule::Visit> Schedule::deferred(const Given& visit, Microseconds now) {
  const VisitNumber number = active_job(visit);
  if (number == kNone) return {};
  end_visit(number);
  ++jobs_[number].attempts;
  wait(number, next_time(limits_.waits, jobs_[number].attempts, seed_ ^ visit.id, now));
  visit_ended(visit, now);
  return Visit{visit.destination, jobs_[number].due, jobs_[number].attempts};
}

bool Schedule::put_back(const Given& visit, Microseconds now) {
  const VisitNumber number = active_job(visit);
  if (number == kNone) return false;
  end_visit(number);
  make_ready(number, Place::front);
  visit_ended(visit, now);
  return true;
}

void Schedule::wake(Microseconds now) {
  while (!waiting_.empty() && waiting_.top().first <= now) {
    const auto [due, number] = waiting_.top();
    waiting_.pop();
    if (!is_valid(due, number)) continue;
    if (is_visited(messages_.at(jobs_[number].id)))
      make_ready(number, Place::back);
    else
      jobs_[number].stage = Stage::parked;
  }
  while (!blocked_.empty() && blocked_.top().first <= now) {
    const auto [until, number] = blocked_.top();
    blocked_.pop();
    const Destination* destination = find(number);
    if (destination != nullptr && destination->blocked_until() == until) unblock(number);
  }
}

// ---- messages

void Schedule::set_limits(Limits limits) {
  limits_ = std::move(limits);
  trials_.set_limit(most_trials(limits_.remote));
  for (const auto& [number, destination] : destinations_) offer(number);
}

void Schedule::add(const NewMessage& message, Microseconds now) {
  Message added{
      .expires = message.arrived + limits_.lifetime,
      .warns = message.warned || limits_.delay_warning == 0 ? 0 : message.arrived + limits_.delay_warning,
      .held = message.state == State::held};
  Message& in_place = messages_[message.id] = added;
  held_ += added.held ? 1 : 0;
  for (const Visit& visit : message.visits) {
    const VisitNumber number = new_job({.id = message.id,
                                        .due = visit.due,
                                        .destination = visit.destination,
                                        .sender = message.sender,
                                        .sibling = in_place.first,
                                        .attempts = visit.attempts,
                                        .stage = Stage::parked});
    in_place.first = number;
    if (in_place.held) continue;
    if (visit.due > now)
      wait(number, visit.due);
    else
      make_ready(number, Place::back);
  }
  const bool warns_in_time = message.fresh && in_place.warns != 0 && in_place.warns < in_place.expires;
  if (!in_place.held) set_deadline(message.id, in_place, warns_in_time ? now : now + kGrace);
  drop_stale();
}

void Schedule::remove(QueueId id) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return;
  for (VisitNumber number = found->second.first; number != kNone;) {
    const VisitNumber next = jobs_[number].sibling;
    drop_job(number);
    number = next;
  }
  held_ -= found->second.held ? 1 : 0;
  messages_.erase(found);
}

void Schedule::set_held(Message& message, bool held) {
  if (message.held != held) held ? ++held_ : --held_;
  message.held = held;
}

bool Schedule::hold(QueueId id) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return false;
  set_held(found->second, true);
  found->second.expired = false;
  return true;
}

bool Schedule::release(QueueId id, Microseconds now) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return false;
  set_held(found->second, false);
  set_deadline(id, found->second, now + kGrace);
  return retry(id, now);
}

bool Schedule::retry(QueueId id, Microseconds now) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return false;
  for (VisitNumber number = found->second.first; number != kNone; number = jobs_[number].sibling) {
    const Stage stage = jobs_[number].stage;
    if (stage == Stage::waiting || (stage == Stage::parked && is_visited(found->second))) wait(number, now);
    unblock(jobs_[number].destination);
  }
  drop_stale();
  return true;
}

bool Schedule::has_visits(QueueId id) const {
  const auto found = messages_.find(id);
  return found != messages_.end() && found->second.first != kNone;
}

bool Schedule::is_held(QueueId id) const {
  const auto found = messages_.find(id);
  return found != messages_.end() && found->second.held;
}

bool Schedule::is_warned(QueueId id) const {
  const auto found = messages_.find(id);
  return found != messages_.end() && found->second.warns == 0;
}

bool Schedule::is_expired(QueueId id) const {
  const auto found = messages_.find(id);
  return found != messages_.end() && found->second.expired;
}

bool Schedule::is_active(QueueId id) const {
  const auto found = messages_.find(id);
  return found != messages_.end() && found->second.active > 0;
}

std::vector<Schedule::Visit> Schedule::visits(QueueId id) const {
  std::vector<Visit> out;
  const auto found = messages_.find(id);
  for (VisitNumber number = found == messages_.end() ? kNone : found->second.first; number != kNone;
       number = jobs_[number].sibling)
    out.push_back({jobs_[number].destination, jobs_[number].due, jobs_[number].attempts});
  return out;
}

// ---- deadlines

void Schedule::set_deadline(QueueId id, Message& message, Microseconds not_before) {
  const Microseconds first = message.warns != 0 ? std::min(message.warns, message.expires) : message.expires;
  message.deadline = std::max(first, not_before);
  deadlines_.emplace(message.deadline, id);
}

// A message that is over its time is given no more after a visit that failed.
void Schedule::visit_ended(const Given& visit, Microseconds now) {
  Message& message = messages_.at(visit.id);
  if (now >= message.expires && message.active == 0 && is_visited(message))
    set_deadline(visit.id, message, now);
}

// Whether a destination of it is held.
bool Schedule::waits_for_operator(const Message& message) const {
  for (VisitNumber number = message.first; number != kNone; number = jobs_[number].sibling)
    if (destinations_.at(jobs_[number].destination).is_held()) return true;
  return false;
}

std::optional<Schedule::Overdue> Schedule::take_overdue(Microseconds now) {
  while (!deadlines_.empty() && deadlines_.top().first <= now) {
    const auto [time, id] = deadlines_.top();
    deadlines_.pop();
    if (!is_valid(time, id)) continue;
    Message& message = messages_.at(id);
    message.deadline = 0;
    if (!is_visited(message)) continue;
    if (waits_for_operator(message)) {
      set_deadline(id, message, now + kGrace);
      continue;
    }
    if (now >= message.expires) {
      if (message.active > 0) continue;  // visit_ended() brings it back
      message.expired = true;
      return Overdue{id, Deadline::expiry};
    }
    const bool warns = message.warns != 0 && now >= message.warns;
    if (warns) message.warns = 0;
    set_deadline(id, message, now);
    if (warns) return Overdue{id, Deadline::warning};
  }
  return {};
}

// ---- times

bool Schedule::is_valid(Microseconds due, VisitNumber number) const {
  return jobs_[number].stage == Stage::waiting && jobs_[number].due == due;
}

bool Schedule::is_valid(Microseconds time, QueueId id) const {
  const auto found = messages_.find(id);
  return found != messages_.end() && found->second.deadline == time;
}

// The heaps are not searched when something changes; what is out of date goes when there is too much of it.
void Schedule::drop_stale() {
  if (waiting_.size() > 2 * jobs_.size() + kSpareEntries) {
    waiting_ = {};
    for (VisitNumber number = 0; number < jobs_.size(); ++number)
      if (jobs_[number].stage == Stage::waiting) waiting_.emplace(jobs_[number].due, number);
  }
  if (deadlines_.size() > 2 * messages_.size() + kSpareEntries) {
    deadlines_ = {};
    for (const auto& [id, message] : messages_)
      if (message.deadline != 0) deadlines_.emplace(message.deadline, id);
  }
}

std::optional<Microseconds> Schedule::next_event() {
  while (!waiting_.empty() && !is_valid(waiting_.top().first, waiting_.top().second)) waiting_.pop();
  while (!deadlines_.empty() && !is_valid(deadlines_.top().first, deadlines_.top().second)) deadlines_.pop();
  std::optional<Microseconds> first;
  const auto consider = [&](const auto& times) {
    if (!times.empty() && (!first || times.top().first < *first)) first = times.top().first;
  };
  consider(waiting_);
  consider(blocked_);
  consider(deadlines_);
  return first;
}

}  // namespace mailroom::queued
