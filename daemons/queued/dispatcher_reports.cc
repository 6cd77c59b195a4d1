// What the dispatcher logs and has senders told, and how messages end.
#include <algorithm>
#include <utility>

#include "daemons/log.h"
#include "daemons/queued/clock.h"
#include "daemons/queued/dispatcher.h"

namespace mailroom::queued {
namespace {

ReportedTarget reported_target(const queue::TargetAnswer& answer) {
  return {.number = answer.target,
          .reply = {answer.code, answer.enhanced, answer.text},
          .host = answer.host,
          .address = answer.address,
          .failure = static_cast<RelayFailure>(answer.failure),
          .stage = static_cast<RelayStage>(answer.stage),
          .attempted = answer.time};
}

std::string words(const ReportedTarget& target) {
  return queue::answer_text(
      {.code = target.reply.code, .enhanced = target.reply.enhanced, .text = target.reply.text});
}

std::uint64_t seconds_since(std::uint64_t then) { return (microseconds_now() - then) / 1'000'000; }

// `numbers` in order.
void no_longer_settling(OpenMessage& message, const std::vector<std::uint32_t>& numbers) {
  const auto is_one = [&](std::uint32_t number) { return std::ranges::binary_search(numbers, number); };
  std::erase_if(message.settling, is_one);
  std::erase_if(message.telling, is_one);
}

}  // namespace

void Dispatcher::log_result(const OpenMessage& message, const TargetResult& result) const {
  const queue::Target& target = message.envelope.targets.at(result.answer.target - 1);
  const std::string queue_id = queue::id_text(message.id);
  const std::string reply = queue::answer_text(result.answer);
  switch (result.fate) {
  case Fate::delivered:
  case Fate::handed_over:
  case Fate::relayed:
    if (target.account != 0)
      return log::write("message-delivered", {{"queue", queue_id},
                                              {"recipient", result.answer.target},
                                              {"account", target.account},
                                              {"seconds", seconds_since(message.arrived)}});
    return log::write("message-relayed",
                      {{"queue", queue_id},
                       {"recipient", message.envelope.recipients.at(target.recipient).address},
                       {"host", result.answer.host},
                       {"address", result.answer.address},
                       {"seconds", seconds_since(message.arrived)},
                       {"reply", reply}});
  case Fate::deferred:
    return;  // log_deferred
  case Fate::refused:
    return log::write("message-refused-by-host",
                      {{"queue", queue_id},
                       {"recipient", message.envelope.recipients.at(target.recipient).address},
                       {"host", result.answer.host},
                       {"reply", reply}});
  }
}

// When it is known when it is tried again.
void Dispatcher::log_deferred(const OpenMessage& message, const TargetResult& result,
                              const queue::PartProgress& progress) const {
  const queue::Target& target = message.envelope.targets.at(result.answer.target - 1);
  const std::uint64_t now = microseconds_now();
  const std::uint64_t seconds = (std::max(progress.next_attempt, now) - now) / 1'000'000;
  const std::string queue_id = queue::id_text(message.id), reply = queue::answer_text(result.answer);
  if (target.account != 0)
    return log::write("message-deferred", {{"queue", queue_id},
                                           {"recipient", result.answer.target},
                                           {"account", target.account},
                                           {"attempts", progress.attempts},
                                           {"seconds", seconds},
                                           {"reason", reply}});
  log::write("message-deferred", {{"queue", queue_id},
                                  {"recipient", message.envelope.recipients.at(target.recipient).address},
                                  {"host", result.answer.host},
                                  {"address", result.answer.address},
                                  {"attempts", progress.attempts},
                                  {"seconds", seconds},
                                  {"reason", reply}});
}

void Dispatcher::note(OpenMessage& message, const TargetResult& result) {
  log_result(message, result);
  if (result.fate != Fate::refused) return;
  message.failed.push_back(reported_target(result.answer));
  message.settling.push_back(result.answer.target);  // it is not tried again, also when its visit is
}

ReportedMessage Dispatcher::reported_message(const OpenMessage& message) const {
  return {message.id, message.envelope, message.arrived, message.arrived + limits().lifetime, message.size};
}

// Reports that are owed and not being made: of before a start, or put off for want of room.  A visit that is
// under way has them made at its end.
void Dispatcher::tell_owed(QueueId id) {
  owing_.erase(id);
  if (!is_owed(id)) return;
  if (const auto opened = messages_.open_envelope(id); opened)
    report(**opened);
  else if (!schedule_.has_visits(id))  // which meet the same
    hold_because(id, "a report of its arrival is owed, and its envelope cannot be read");
}

// What is owed to the sender and not being told.
Reports::Targets Dispatcher::take_owed(OpenMessage& message, queue::Success success) {
  Reports::Targets out;
  for (const auto& [number, report] : queue_.index().owed(message.id))
    if (report.success == success && message.telling.insert(number).second)
      out.push_back(reported_target(report.answer));
  return out;
}

Reports::Done Dispatcher::success_told(QueueId id, const Reports::Targets& targets) {
  ++success_reports_;
  return [this, id, numbers = finished(targets).finished](ReportResult result) {
    --success_reports_;
    if (result == ReportResult::impossible && messages_.find(id) != nullptr) put_off_.insert(id);
    reported(id, numbers, result);
  };
}

// When no visit is under way what has gathered is said, all that failed in one report.  The calls may end the
// message.
void Dispatcher::report(OpenMessage& message) {
  const QueueId id = message.id;
  if (message.is_under_way()) return;
  const Reports::Targets failed = std::exchange(message.failed, {});
  Reports::Targets delivered, relayed;
  if (reports_.has_room()) {
    delivered = take_owed(message, queue::Success::delivered);
    relayed = take_owed(message, queue::Success::relayed);
    owing_.erase(id);
    put_off_.erase(id);
  } else if (is_owed(id)) {
    owing_.insert(id);
  }
  if (failed.empty() && delivered.empty() && relayed.empty()) return close_if_over(id);
  const ReportedMessage about = reported_message(message);
  const std::vector<std::uint32_t> numbers = finished(failed).finished;
  message.drop_content();
  message.reports += (failed.empty() ? 0 : 1) + (delivered.empty() ? 0 : 1) + (relayed.empty() ? 0 : 1);
  if (!delivered.empty()) reports_.delivered(about, delivered, success_told(id, delivered));
  if (!relayed.empty()) reports_.relayed(about, relayed, success_told(id, relayed));
  if (failed.empty()) return;
  const std::string problem = words(failed.front());
  reports_.failed(about, failed, [this, id, numbers, problem](ReportResult result) {
    if (result == ReportResult::impossible)
      hold_because(id, "refused for good, and no report can be made: " + problem);
    reported(id, numbers, result);
  });
}

void Dispatcher::reported(QueueId id, const std::vector<std::uint32_t>& targets, ReportResult result) {
  OpenMessage* message = messages_.find(id);
  if (message == nullptr) return;
  no_longer_settling(*message, targets);
  if (result == ReportResult::settled && !targets.empty()) {
    queue_.record(id, queue::Attempted{.parts = {}, .progress = {}, .finished = targets, .answers = {}});
    message->is_done = message->is_done || is_finished_by(*message, {});  // also when it is held
  }
  --message->reports;
  close_if_over(id);
}

// While a report is being made nothing is decided: its end comes here too.
void Dispatcher::close_if_over(QueueId id) {
  OpenMessage* message = messages_.find(id);
  if (message == nullptr || message->is_under_way() || message->reports > 0) return;
  if (message->is_done) return complete(id);
  const bool is_left = !schedule_.has_visits(id) && !schedule_.is_held(id);
  if (misplaced_.erase(id) > 0 || (is_left && has_unplaced(*message))) {
    place_again(id);
    return std::exchange(message->owes_warning, false) ? warn(*message) : messages_.close(id);
  }
  if (is_left) return complete(id);
  if (schedule_.is_expired(id)) return expire(*message);
  messages_.close(id);
}

// Not before the sender has heard what there is to hear.
void Dispatcher::complete(QueueId id) {
  if (is_owed(id)) {
    if (!put_off_.contains(id)) owing_.insert(id);
    return messages_.close(id);
  }
  const OpenMessage* message = messages_.find(id);
  const std::uint64_t arrived = message == nullptr ? microseconds_now() : message->arrived;
  queue_.record(id, queue::Finished{});
  log::write("message-done",
             {{"queue", queue::id_text(id)}, {"seconds", (microseconds_now() - arrived) / 1'000'000}});
  schedule_.remove(id);
  misplaced_.erase(id);
  messages_.close(id);
}

void Dispatcher::hold_because(QueueId id, const std::string& problem) {
  log::write("message-stuck", {{"queue", queue::id_text(id)}, {"reason", problem}});
  schedule_.hold(id);
  queue_.record(id, queue::Held{problem});
}

// ---- deadlines

void Dispatcher::overdue(const Schedule::Overdue& overdue) {
  const bool is_expiry = overdue.deadline == Schedule::Deadline::expiry;
  const auto opened = messages_.open(overdue.id);
  if (!opened) {
    if (is_expiry) hold_because(overdue.id, "its time is over, and its content cannot be read");
    return;
  }
  if (is_expiry) return close_if_over(overdue.id);
  // That one is made when its visits are those of the present again.
  misplaced_.contains(overdue.id) ? void((*opened)->owes_warning = true) : warn(**opened);
}

// Of every target that is left: the last answer about it, or about its destination.
Reports::Targets Dispatcher::unfinished(const OpenMessage& message) {
  std::map<std::uint32_t, queue::TargetAnswer> known;
  for (auto& answer : queue_.read_answers(message.id)) known[answer.target] = std::move(answer);
  Reports::Targets out;
  for (const Schedule::Visit& visit : schedule_.visits(message.id)) {
    const queue::TargetAnswer* of_destination = last_failure(visit.destination);
    for (const std::uint32_t number : targets_for(message, visit.destination)) {
      queue::TargetAnswer answer = known[number];
      if (of_destination != nullptr && of_destination->time > answer.time) answer = *of_destination;
      answer.target = number;
      out.push_back(reported_target(answer));
    }
  }
  std::ranges::sort(out, {}, &ReportedTarget::number);
  return out;
}

// No visit is under way, and no other report is being made.  Whatever an operator does meanwhile, nothing
// that is reported as failed is tried.
void Dispatcher::expire(OpenMessage& message) {
  const QueueId id = message.id;
  if (has_unplaced(message)) {
    place_again(id);
    return messages_.close(id);
  }
  const Reports::Targets targets = unfinished(message);
  const std::vector<std::uint32_t> numbers = finished(targets).finished;
  const std::string problem = targets.empty() ? "" : words(targets.front());
  if (targets.empty()) return complete(id);
  log::write("message-expired", {{"queue", queue::id_text(id)},
                                 {"recipients", targets.size()},
                                 {"seconds", seconds_since(message.arrived)},
                                 {"reason", problem}});
  message.settling.insert(message.settling.end(), numbers.begin(), numbers.end());
  message.drop_content();
  ++message.reports;
  ++open_reports_;
  reports_.expired(reported_message(message), targets, [this, id, numbers, problem](ReportResult result) {
    --open_reports_;
    OpenMessage* open = messages_.find(id);
    if (open == nullptr) return;
    --open->reports;
    if (result == ReportResult::settled) {
      queue_.record(id, queue::Attempted{.parts = {}, .progress = {}, .finished = numbers, .answers = {}});
      open->is_done = true;
      return close_if_over(id);  // of what has arrived a report may be under way
    }
    no_longer_settling(*open, numbers);
    hold_because(id, "tried for the whole of its lifetime: " + problem);
    close_if_over(id);
  });
}

void Dispatcher::warn(OpenMessage& message) {
  const QueueId id = message.id;
  const Reports::Targets targets = unfinished(message);
  if (targets.empty()) return close_if_over(id);
  message.drop_content();
  ++message.reports;
  ++open_reports_;
  reports_.delayed(reported_message(message), targets, [this, id](ReportResult) {
    --open_reports_;
    OpenMessage* open = messages_.find(id);
    if (open == nullptr) return;
    --open->reports;
    queue_.record(id, queue::Warned{});
    close_if_over(id);
  });
}

}  // namespace mailroom::queued
