// What the dispatcher has senders told, and how messages end.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

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

bool wants_success(const OpenMessage& message, std::uint32_t number) {
  const auto& recipient = message.envelope.recipients.at(message.envelope.targets.at(number - 1).recipient);
  return (recipient.notify & static_cast<std::uint8_t>(Notify::success)) != 0;
}

std::string words(const ReportedTarget& target) {
  return queue::answer_text(
      {.code = target.reply.code, .enhanced = target.reply.enhanced, .text = target.reply.text});
}

}  // namespace

void Dispatcher::note(OpenMessage& message, const TargetResult& result) {
  log_result(message, result);
  const std::uint32_t number = result.answer.target;
  if (result.fate == Fate::refused) message.failed.push_back(reported_target(result.answer));
  if (!is_final(result.fate) || !wants_success(message, number)) return;
  if (result.fate == Fate::delivered) message.delivered.push_back(reported_target(result.answer));
  if (result.fate == Fate::relayed) message.relayed.push_back(reported_target(result.answer));
}

ReportedMessage Dispatcher::reported_message(const OpenMessage& message) const {
  return {message.id, message.envelope, message.arrived, message.arrived + limits().lifetime, message.size};
}

// No visit is under way: what has gathered is said, all that failed in one report.  The calls may end the
// message.
void Dispatcher::report(OpenMessage& message) {
  const QueueId id = message.id;
  const Reports::Targets failed = std::exchange(message.failed, {});
  const Reports::Targets delivered = std::exchange(message.delivered, {});
  const Reports::Targets relayed = std::exchange(message.relayed, {});
  if (failed.empty() && delivered.empty() && relayed.empty()) return close_if_over(id);
  const ReportedMessage about = reported_message(message);
  const std::vector<std::uint32_t> numbers = finished(failed).finished;
  message.settling.insert(message.settling.end(), numbers.begin(), numbers.end());
  message.reports += (failed.empty() ? 0 : 1) + (delivered.empty() ? 0 : 1) + (relayed.empty() ? 0 : 1);
  const Reports::Done told = [this, id](ReportResult) { reported(id, {}, ReportResult::settled); };
  if (!delivered.empty()) reports_.delivered(about, delivered, told);
  if (!relayed.empty()) reports_.relayed(about, relayed, told);
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
  std::erase_if(message->settling,
                [&](std::uint32_t number) { return std::ranges::binary_search(targets, number); });
  if (result == ReportResult::settled && !targets.empty())
    queue_.record(id, queue::Attempted{.parts = {}, .progress = {}, .finished = targets, .answers = {}});
  --message->reports;
  close_if_over(id);
}

void Dispatcher::close_if_over(QueueId id) {
  const OpenMessage* message = messages_.find(id);
  if (message == nullptr || message->is_under_way() || message->reports > 0) return;
  if (message->is_done) return complete(id);
  const bool is_left = !schedule_.has_visits(id) && !schedule_.is_held(id);
  if (misplaced_.erase(id) > 0 || (is_left && has_unplaced(*message))) {
    place_again(id);
    return messages_.close(id);
  }
  if (is_left) return complete(id);
  messages_.close(id);
}

void Dispatcher::complete(QueueId id) {
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
  schedule_.hold(id);
  queue_.record(id, queue::Held{problem});
}

// ---- deadlines

void Dispatcher::overdue(const Schedule::Overdue& overdue) {
  if (misplaced_.contains(overdue.id)) return;  // it has its deadlines anew when it is placed again
  const auto opened = messages_.open(overdue.id);
  if (!opened) {
    if (overdue.deadline == Schedule::Deadline::expiry)
      hold_because(overdue.id, "its time is over, and its content cannot be read");
    return;
  }
  overdue.deadline == Schedule::Deadline::expiry ? expire(**opened) : warn(**opened);
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

void Dispatcher::expire(OpenMessage& message) {
  const QueueId id = message.id;
  const Reports::Targets targets = unfinished(message);
  if (has_unplaced(message)) {
    misplaced_.insert(id);
    return close_if_over(id);
  }
  const std::string problem = targets.empty() ? "" : words(targets.front());
  log::write("message-expired", {{"queue", queue::id_text(id)}, {"reason", problem}});
  if (targets.empty()) return complete(id);
  ++message.reports;
  ++open_reports_;
  reports_.expired(reported_message(message), targets, [this, id, problem](ReportResult result) {
    --open_reports_;
    OpenMessage* open = messages_.find(id);
    if (open == nullptr) return;
    --open->reports;
    if (result == ReportResult::settled) return complete(id);
    hold_because(id, "tried for the whole of its lifetime: " + problem);
    close_if_over(id);
  });
}

void Dispatcher::warn(OpenMessage& message) {
  const QueueId id = message.id;
  const Reports::Targets targets = unfinished(message);
  if (targets.empty()) return close_if_over(id);
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
