#include "daemons/queued/dispatcher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemons/log.h"
#include "daemons/queued/clock.h"
#include "libcommon/sys/random.h"

namespace mailroom::queued {
namespace {

// Content of messages that are under way into mailboxes, and to other hosts; one message may be larger than
// this.
constexpr std::uint64_t kMaxOctetsUnderWay = 64 * 1024 * 1024;
// New content that waits in memory for its first attempt: an eighth of what memory there may be.
constexpr std::uint64_t kFreshShare = 8;
constexpr std::chrono::minutes kSweep{10};
// Reports of deadlines, and of what is owed, that are being made; the next ones wait.
constexpr std::size_t kMaxOpenReports = 50;
constexpr std::chrono::milliseconds kReportWait{20};

std::uint64_t seed() {
  std::uint64_t out = 0;
  fill_random(&out, sizeof out);
  return out;
}

Microseconds in_microseconds(Duration duration) {
  return static_cast<Microseconds>(std::chrono::microseconds{std::chrono::milliseconds{duration}}.count());
}

bool asks_for_success(const OpenMessage& message, std::uint32_t number) {
  return (message.recipient_of(number).notify & static_cast<std::uint8_t>(Notify::success)) != 0;
}

// What the sender is to hear of it, if anything.
std::optional<queue::Success> success_of(const OpenMessage& message, const TargetResult& result) {
  const bool reports = result.fate == Fate::delivered || result.fate == Fate::relayed;
  if (!reports || !asks_for_success(message, result.answer.target)) return {};
  return result.fate == Fate::delivered ? queue::Success::delivered : queue::Success::relayed;
}

bool is_deferred(const TargetResult& result) { return result.fate == Fate::deferred; }

}  // namespace

Dispatcher::Dispatcher(event::Loop& loop, queue::Queue& queue, const Config& config, RouteDesk& routes,
                       Reports& reports, queue::DestinationHolds& holds)
    : loop_{loop}, queue_{queue}, config_{config}, routes_{routes}, reports_{reports}, holds_{holds},
      schedule_{limits(), seed()}, local_destination_{schedule_.destination(kLocalKey,
                                                                            DestinationKind::local)},
      messages_{queue, config.queued.memory_limit / kFreshShare},
      local_{loop, messages_,
             [this](QueueId id, TargetResults results) {
               sent({id, local_destination_}, std::move(results), Rest::none);
               run();
             },
             [this] { run(); }},
      relays_{loop, messages_, routes, *this}, due_{loop, [this] { run(); }}, sweep_{loop,
                                                                                     [this] { sweep(); }} {
  apply_limits();
  for (const std::string& key : holds.keys()) {
    schedule_.destination(key);
    schedule_.hold_destination(key);
  }
  for (const auto& [id, entry] : queue.index().entries()) schedule_message(id, entry);
  for (const auto& [id, owed] : queue.index().owed()) owing_.insert(id);
  sweep_.start(kSweep);
}

Schedule::Limits Dispatcher::limits() const {
  const QueuedConfig& config = config_.queued;
  Schedule::Limits limits{.waits = {},
                          .local = config.deliveries_in_flight,
                          .per_destination = config.relay_connections_per_destination,
                          .remote = config.relay_connections,
                          .lifetime = in_microseconds(config.lifetime),
                          .delay_warning = in_microseconds(config.delay_warning)};
  for (const Duration& wait : config.retry_schedule) limits.waits.push_back(in_microseconds(wait));
  return limits;
}

void Dispatcher::apply_limits() {
  local_.set_limit(config_.queued.deliveries_in_flight);
  relays_.set_limits(RelayDesk::Limits::of(config_));
  schedule_.set_limits(limits());
}

// What begins finds its targets by the routes of the present: no visit of an earlier one may be left.
void Dispatcher::reconfigured(Routes routes) {
  if (routes == Routes::others) rerouted();
  apply_limits();
  relays_.retire_connections();
  run();
}

// Whether nothing is left of it with these results.
bool Dispatcher::is_finished_by(const OpenMessage& message, const TargetResults& results) {
  const queue::Entry& entry = *queue_.index().find(message.id);
  const auto adds = [&](const TargetResult& result) {
    return is_final(result.fate) && !std::ranges::binary_search(entry.finished, result.answer.target);
  };
  const auto added = static_cast<std::size_t>(std::ranges::count_if(results, adds));
  return entry.finished.size() + added == entry.targets;
}

void Dispatcher::accepted(QueueId id, const queue::Envelope& envelope, queue::SharedContent content) {
  const queue::Entry* entry = queue_.index().find(id);
  if (entry == nullptr) return;
  messages_.keep(id, envelope, std::move(content));
  schedule_message(id, *entry, Origin::outside);
  run();
}

// ---- attempts

// An event may come while another is handled: what it makes possible is done by the loop that runs.
void Dispatcher::run() {
  if (running_ || stopping_) return;
  running_ = true;
  const std::uint64_t now = microseconds_now();
  while (open_reports_ < kMaxOpenReports && reports_.has_room()) {
    const auto late = schedule_.take_overdue(now);
    if (!late) break;
    overdue(*late);
  }
  while (!owing_.empty() && success_reports_ < kMaxOpenReports && reports_.has_room())
    tell_owed(*owing_.begin());
  for (;;) {
    const auto visit = schedule_.next(
        now, {.local = local_.is_able() && local_octets_ < kMaxOctetsUnderWay,
              .remote = may_relay() && relays_.is_able() && remote_octets_ < kMaxOctetsUnderWay});
    if (!visit) break;
    begin(*visit);
  }
  running_ = false;
  arm_timer();
}

// What another host takes must be noted, lest it be sent again, and what it refuses be reported.
bool Dispatcher::may_relay() const { return queue_.can_record() && reports_.has_room(); }

void Dispatcher::tick() {
  const bool records = queue_.can_record();
  if (records != std::exchange(records_, records)) {
    if (records)
      log::write("recording-works", {});
    else
      log::write("recording-fails",
                 {{"reason", queue_.broken() ? "it has failed too often; see to the disk, then "
                                               "start the system again"
                                             : "see to its space"}});
  }
  run();
}

void Dispatcher::stop() {
  stopping_ = true;
  due_.cancel();
  relays_.stop();
}

bool Dispatcher::is_quiet() const { return relays_.is_quiet() && reports_.is_quiet(); }

void Dispatcher::arm_timer() {
  const std::uint64_t now = microseconds_now(), later = now + in_microseconds(kReportWait);
  auto next = schedule_.next_event();
  if (next && (open_reports_ >= kMaxOpenReports || !reports_.has_room())) next = std::max(*next, later);
  if (!owing_.empty()) next = std::min(next.value_or(later), later);
  if (!next) return due_.cancel();
  due_.start(std::chrono::microseconds{*next > now ? *next - now : 0});
}

void Dispatcher::count(const OpenMessage& message, DestinationKind kind, int sign) {
  std::uint64_t& octets = kind == DestinationKind::local ? local_octets_ : remote_octets_;
  sign > 0 ? octets += message.size : octets -= message.size;
}

void Dispatcher::begin(const Given& visit) {
  // Another visit of it is under way, or a report about it is being made.
  if (misplaced_.contains(visit.id)) return void(schedule_.finished(visit));
  const auto opened = messages_.open(visit.id);
  if (!opened) return could_not_load(visit, opened.error());
  OpenMessage& message = **opened;
  std::vector<std::uint32_t> targets = targets_for(message, visit.destination);
  if (targets.empty()) {  // all were finished before a crash, or a report about them is being made
    schedule_.finished(visit);
    return report(message);
  }
  message.so_far[visit.destination].clear();
  if (visit.destination == local_destination_) {
    message.local_visit = true;
    count(message, DestinationKind::local, 1);
    return local_.begin(visit.id, targets);
  }
  ++message.remote_visits;
  count(message, DestinationKind::remote, 1);
  relays_.begin({visit, wanted_.at(visit.destination), std::move(targets)});
}

// A medium may recover; damaged content waits for an operator, who alone can say what it is worth.
void Dispatcher::could_not_load(const Given& visit, queue::ReadProblem problem) {
  if (problem == queue::ReadProblem::gone) return schedule_.remove(visit.id);
  const bool damaged = problem == queue::ReadProblem::damaged;
  const char* reason = damaged ? "the content is damaged" : "the content cannot be read";
  log::write("delivery-failed", {{"queue", queue::id_text(visit.id)}, {"reason", reason}});
  if (const auto later = schedule_.deferred(visit, microseconds_now()))
    if (const queue::Entry* entry = queue_.index().find(visit.id))
      queue_.record(visit.id, queue::Attempted{.parts = parts_for(*entry, visit.destination),
                                               .progress = {later->attempts, later->due},
                                               .finished = {},
                                               .answers = {{.target = 1, .text = reason}}});
  if (damaged) hold_because(visit.id, reason);
}

void Dispatcher::visit_over(const Given& visit) {
  OpenMessage* message = messages_.find(visit.id);
  if (message == nullptr) return;
  const bool is_local = visit.destination == local_destination_;
  count(*message, is_local ? DestinationKind::local : DestinationKind::remote, -1);
  is_local ? void(message->local_visit = false) : void(--message->remote_visits);
  message->so_far.erase(visit.destination);
  report(*message);
}

// ---- what came of them

void Dispatcher::sent(const Given& visit, TargetResults results, Rest rest) {
  OpenMessage* message = messages_.find(visit.id);
  if (message == nullptr) return;
  owe(*message, results);
  TargetResults& so_far = message->so_far[visit.destination];
  for (TargetResult& result : results) {
    note(*message, result);
    so_far.push_back(std::move(result));
  }
  if (rest == Rest::none) return ended(visit);
  record(*message, progress_of(visit), so_far);
}

void Dispatcher::refused(const Given& visit, TargetResults results) {
  sent(visit, std::move(results), Rest::none);
}

queue::PartProgress Dispatcher::progress_of(const Given& visit) const {
  for (const Schedule::Visit& one : schedule_.visits(visit.id))
    if (one.destination == visit.destination) return {one.attempts, one.due};
  return {};
}

void Dispatcher::ended(const Given& visit) {
  const std::uint64_t now = microseconds_now();
  OpenMessage& message = *messages_.find(visit.id);
  const TargetResults results = std::move(message.so_far[visit.destination]);
  queue::PartProgress progress = progress_of(visit);
  if (std::ranges::any_of(results, is_deferred)) {
    if (const auto later = schedule_.deferred(visit, now)) progress = {later->attempts, later->due};
    for (const TargetResult& result : results)
      if (is_deferred(result)) log_deferred(message, result, progress);
  } else {
    progress = {progress.attempts + 1, now};
    schedule_.finished(visit);
  }
  // The end of a message says it too, when it comes now: of what another host has taken no report may be
  // waited for, neither one to come nor one under way, as a repeat would come twice.
  const bool waits = is_owed(visit.id) || (visit.destination != local_destination_ && message.reports > 0);
  message.is_done = is_finished_by(message, results) && !schedule_.has_visits(visit.id) &&
                    !schedule_.is_held(visit.id) && !misplaced_.contains(visit.id) && !waits;
  if (!message.is_done) record(message, progress, results);
  visit_over(visit);
}

// One record says that these targets are finished, and that their sender is to hear of it.
void Dispatcher::owe(const OpenMessage& message, const TargetResults& results) {
  queue::Owed owed;
  for (const TargetResult& result : results)
    if (const auto success = success_of(message, result)) owed.reports.push_back({*success, result.answer});
  if (!owed.reports.empty()) queue_.record(message.id, std::move(owed));
}

// The parts are those that the results are of, wherever their domains lead by now.  What is owed has been
// recorded: said to be finished here it would be settled.
void Dispatcher::record(const OpenMessage& message, const queue::PartProgress& progress,
                        const TargetResults& results) {
  queue::Attempted attempted{.parts = {}, .progress = progress, .finished = {}, .answers = {}};
  std::vector<std::uint32_t> targets;
  for (const TargetResult& result : results) {
    targets.push_back(result.answer.target);
    if (!is_final(result.fate))
      attempted.answers.push_back(result.answer);
    else if (!success_of(message, result))
      attempted.finished.push_back(result.answer.target);
  }
  std::ranges::sort(attempted.finished);
  attempted.parts = queue::parts_with(message.envelope, targets);
  queue_.record(message.id, std::move(attempted));
}

// Nothing was attempted: the destination as a whole waits.  What is known of it is kept with this message.
void Dispatcher::not_sent(const Given& visit, const queue::TargetAnswer& answer) {
  OpenMessage* message = messages_.find(visit.id);
  if (message == nullptr) return;
  TargetResults results;
  for (const std::uint32_t number : targets_for(*message, visit.destination)) {
    results.push_back({Fate::deferred, answer});
    results.back().answer.target = number;
  }
  for (const TargetResult& earlier : message->so_far[visit.destination])
    if (is_final(earlier.fate)) results.push_back(earlier);
  record(*message, progress_of(visit), results);
  schedule_.put_back(visit, microseconds_now());
  visit_over(visit);
}

void Dispatcher::worked(DestinationNumber destination) {
  failures_.erase(destination);
  schedule_.worked(destination);
}

void Dispatcher::failed(DestinationNumber destination, const queue::TargetAnswer& answer) {
  failures_[destination] = answer;
  schedule_.failed(destination, microseconds_now());
  const Destination* state = schedule_.find(destination);
  if (state == nullptr || state->blocked_until() == 0) return;
  const std::uint64_t now = microseconds_now();
  log::write("destination-waits", {{"destination", state->key()},
                                   {"host", answer.host},
                                   {"failures", state->failures()},
                                   {"seconds", (std::max(state->blocked_until(), now) - now) / 1'000'000},
                                   {"reason", queue::answer_text(answer)}});
}

const queue::TargetAnswer* Dispatcher::last_failure(DestinationNumber destination) const {
  const auto found = failures_.find(destination);
  return found == failures_.end() ? nullptr : &found->second;
}

void Dispatcher::sweep() {
  forget_unused();
  owing_.merge(std::exchange(put_off_, {}));
  sweep_.start(kSweep);
  run();
}

void Dispatcher::forget_unused() {
  for (const DestinationNumber number : schedule_.forget_unused()) {
    wanted_.erase(number);
    failures_.erase(number);
  }
}

// ---- operators

bool Dispatcher::hold(QueueId id, Done done) {
  if (!schedule_.hold(id)) return false;
  queue_.record(id, queue::Held{"by an operator"}, std::move(done));
  log::write("message-held", {{"queue", queue::id_text(id)}});
  return true;
}

// A message that is held for a report that could not be made has no visits left: it gets them anew.
bool Dispatcher::release(QueueId id, Done done) {
  if (!schedule_.knows(id)) return false;
  queue_.record(id, queue::Released{}, std::move(done));
  const queue::Entry* entry = queue_.index().find(id);
  if (entry != nullptr && !schedule_.has_visits(id)) {
    schedule_.remove(id);
    schedule_message(id, *entry);
  }
  if (is_owed(id)) owing_.insert(id);
  schedule_.release(id, microseconds_now());
  log::write("message-released", {{"queue", queue::id_text(id)}});
  run();
  return true;
}

bool Dispatcher::retry(QueueId id) {
  if (!schedule_.retry(id, microseconds_now())) return false;
  run();
  return true;
}

bool Dispatcher::remove(QueueId id, Done done) {
  if (!schedule_.knows(id)) return false;
  const auto message = queue_.read_message(id);
  log::write("message-removed",
             {{"queue", queue::id_text(id)}, {"sender", message ? message->envelope.reverse_path : ""}});
  local_.forget(id);
  for (const Schedule::Visit& visit : schedule_.visits(id)) relays_.forget({id, visit.destination});
  schedule_.remove(id);
  misplaced_.erase(id);
  owing_.erase(id);
  put_off_.erase(id);
  if (const OpenMessage* open = messages_.find(id)) {
    if (open->local_visit) count(*open, DestinationKind::local, -1);
    for (std::uint32_t i = 0; i < open->remote_visits; ++i) count(*open, DestinationKind::remote, -1);
  }
  messages_.close(id);
  queue_.record(id, queue::Removed{}, std::move(done));
  return true;
}

queue::Errno Dispatcher::hold_destination(const std::string& key) {
  if (const queue::Errno error = holds_.hold(key); error != 0) return error;
  schedule_.hold_destination(key);
  log::write("destination-held", {{"destination", key}});
  return 0;
}

queue::Errno Dispatcher::release_destination(const std::string& key) {
  if (const queue::Errno error = holds_.release(key); error != 0) return error;
  schedule_.release_destination(key, microseconds_now());
  log::write("destination-released", {{"destination", key}});
  run();
  return 0;
}

bool Dispatcher::retry_destination(const std::string& key) {
  const auto number = schedule_.find(key);
  if (!number) return false;
  if (const auto wanted = wanted_.find(*number); wanted != wanted_.end()) routes_.forget(wanted->second);
  schedule_.retry_destination(key, microseconds_now());
  run();
  return true;
}

}  // namespace mailroom::queued
