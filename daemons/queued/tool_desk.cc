#include "daemons/queued/tool_desk.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "daemons/log.h"
#include "daemons/queued/route_words.h"
#include "libcommon/ipc/overloaded.h"

namespace mailroom::queued {
namespace {

constexpr std::size_t kPiece = 32 * 1024;

std::string shortened(std::string text) {
  if (text.size() > kQueuePageText) text.resize(kQueuePageText);
  return text;
}

const char* problem_text(queue::ReadProblem problem) {
  switch (problem) {
  case queue::ReadProblem::gone:
    return "there is no such message";
  case queue::ReadProblem::unreadable:
    return "the disk does not give it back";
  case queue::ReadProblem::damaged:
    return "it is damaged: not what was accepted";
  }
  return "";
}

}  // namespace

ToolDesk::ToolDesk(event::Loop& loop, Fd listening, queue::Queue& queue, Dispatcher& dispatcher,
                   RouteDesk& routes)
    : queue_{queue}, dispatcher_{dispatcher}, routes_{routes}, tools_{loop, std::move(listening),
                                                                      [this](ToolId tool,
                                                                             ToolToQueued&& request) {
                                                                        on_request(tool, request);
                                                                      }} {}

void ToolDesk::on_request(ToolId tool, const ToolToQueued& request) {
  const auto answer = [&](const QueuedToTool& with) { tools_.answer(tool, with); };
  std::visit(Overloaded{
                 [&](const ListQueue& m) { answer(page(m.after)); },
                 [&](const CountQueue&) { answer(count()); },
                 [&](const ShowMessage& m) { answer(show(m.id)); },
                 [&](const ReadMessage& m) { read(tool, m.id); },
                 [&](const RetryMessage& m) {
                   change(tool, m.id, "retry", [&](QueueId id, const Dispatcher::Done& done) {
                     if (!dispatcher_.retry(id)) return false;
                     done(queue::Outcome::durable);  // there is nothing to write
                     return true;
                   });
                 },
                 [&](const HoldMessage& m) {
                   change(tool, m.id, "hold", [&](QueueId id, const Dispatcher::Done& done) {
                     return dispatcher_.hold(id, done);
                   });
                 },
                 [&](const ReleaseMessage& m) {
                   change(tool, m.id, "release", [&](QueueId id, const Dispatcher::Done& done) {
                     return dispatcher_.release(id, done);
                   });
                 },
                 [&](const RemoveMessage& m) {
                   change(tool, m.id, "remove", [&](QueueId id, const Dispatcher::Done& done) {
                     return dispatcher_.remove(id, done);
                   });
                 },
                 [&](const ListDestinations& m) { answer(destinations(m.after)); },
                 [&](const ChangeDestination& m) { answer(change_destination(m)); },
                 [&](const ExplainRoute& m) { explain(tool, m); },
             },
             request);
}

MessageState ToolDesk::state_of(QueueId id) const {
  const Schedule& schedule = dispatcher_.schedule();
  if (schedule.is_active(id)) return MessageState::active;
  return schedule.is_held(id) ? MessageState::held : MessageState::waiting;
}

// What was heard about the message, or else about a destination of it.
std::string ToolDesk::problem_of(QueueId id) {
  if (std::string problem = queue_.read_problem(id); !problem.empty()) return problem;
  for (const Schedule::Visit& visit : dispatcher_.schedule().visits(id))
    if (const auto* failure = dispatcher_.last_failure(visit.destination))
      return queue::answer_text(*failure);
  if (dispatcher_.schedule().has_visits(id) || queue_.index().owed(id).empty()) return {};
  return "all is done; the report of success that its sender asked for is not in the queue yet";
}

// 0: none, while an operator holds it, or when nothing but a report is left.
std::uint64_t ToolDesk::next_attempt(QueueId id) const {
  const Schedule& schedule = dispatcher_.schedule();
  std::uint64_t next = UINT64_MAX;
  for (const Schedule::Visit& visit : schedule.visits(id))
    if (const Destination* const destination = schedule.find(visit.destination); !destination->is_held())
      next = std::min(next, std::max(visit.due, destination->blocked_until()));
  return schedule.is_held(id) || next == UINT64_MAX ? 0 : next;
}

QueuedMessage ToolDesk::describe(QueueId id, const queue::Entry& entry, const queue::Envelope& envelope) {
  std::uint32_t attempts = 0;
  for (const Schedule::Visit& visit : dispatcher_.schedule().visits(id))
    attempts = std::max(attempts, visit.attempts);
  QueuedMessage out{.id = id,
                    .state = state_of(id),
                    .arrived = entry.arrived,
                    .next_attempt = next_attempt(id),
                    .attempts = attempts,
                    .size = entry.content_length,
                    .sender = shortened(envelope.reverse_path),
                    .recipients = static_cast<std::uint32_t>(envelope.recipients.size()),
                    .addresses = {},
                    .problem = shortened(problem_of(id))};
  for (const auto& recipient : envelope.recipients) {
    if (out.addresses.size() == kQueuePageRecipients) break;
    out.addresses.push_back(shortened(recipient.address));
  }
  return out;
}

QueuePage ToolDesk::page(QueueId after) {
  QueuePage page;
  const auto& entries = queue_.index().entries();
  auto at = entries.upper_bound(after);
  for (; at != entries.end() && page.messages.size() < kQueuePageSize; ++at) {
    if (!dispatcher_.schedule().knows(at->first)) continue;  // on its way out
    const auto message = queue_.read_message(at->first);
    page.messages.push_back(describe(at->first, at->second, message ? message->envelope : queue::Envelope{}));
    if (!message) page.messages.back().problem = problem_text(message.error());
  }
  page.last = at == entries.end();
  return page;
}

QueueCount ToolDesk::count() const {
  const Schedule& schedule = dispatcher_.schedule();
  return {.messages = schedule.size(), .held = schedule.held(), .octets = queue_.index().live_octets()};
}

QueuedToTool ToolDesk::show(QueueId id) {
  const queue::Entry* entry = dispatcher_.schedule().knows(id) ? queue_.index().find(id) : nullptr;
  const auto message = queue_.read_message(id);
  if (entry == nullptr || !message)
    return ToolRefused{problem_text(message ? queue::ReadProblem::gone : message.error())};
  const queue::Envelope& envelope = message->envelope;
  MessageShown shown{describe(id, *entry, envelope), envelope.connection, shortened(envelope.submitter), {}};
  shown.targets = targets_of(id, *entry, envelope);
  return shown;
}

std::vector<ShownTarget> ToolDesk::targets_of(QueueId id, const queue::Entry& entry,
                                              const queue::Envelope& envelope) {
  std::vector<ShownTarget> out;
  const auto answers = queue_.read_answers(id);
  for (std::uint32_t i = 0; i < envelope.targets.size() && i < kShownTargets; ++i) {
    const queue::Target& target = envelope.targets[i];
    const std::string domain{queue::domain_of(envelope, target)};
    const bool is_local = domain == queue::kLocalPart;
    const auto answer = std::ranges::find(answers, i + 1, &queue::TargetAnswer::target);
    out.push_back({i + 1, shortened(envelope.recipients.at(target.recipient).address), target.account,
                   is_local ? "" : routes_.key_of(routes_.wanted(domain, queue::tls_on_the_way(envelope))),
                   std::ranges::binary_search(entry.finished, i + 1),
                   answer == answers.end() ? "" : shortened(queue::answer_text(*answer))});
  }
  return out;
}

void ToolDesk::read(ToolId tool, QueueId id) {
  const auto read = queue_.read_content(id, [&](std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPiece)))
      tools_.answer(tool, ContentPiece{std::string{bytes.substr(0, kPiece)}, false, {}});
  });
  tools_.answer(tool, ContentPiece{{}, true, read ? "" : problem_text(read.error())});
}

void ToolDesk::change(ToolId tool, QueueId id, const char* word, const Apply& apply) {
  log::write("control-command", {{"tool", "mr-queue"}, {"command", word}});
  std::vector<QueueId> ids;
  if (id != 0)
    ids.push_back(id);
  else
    for (const auto& [each, entry] : queue_.index().entries()) ids.push_back(each);

  struct Changes {
    std::uint64_t made = 0;
    std::uint64_t left = 1;  // to be written, and this function
    bool all_written = true;
  };
  const auto changes = std::make_shared<Changes>();
  const Dispatcher::Done written = [this, tool, changes](queue::Outcome outcome) {
    changes->all_written = changes->all_written && outcome == queue::Outcome::durable;
    if (--changes->left > 0) return;
    if (changes->all_written) return tools_.answer(tool, QueueChanged{changes->made});
    tools_.answer(tool,
                  ToolRefused{"it is in effect, but the disk does not take it: a restart may forget it"});
  };
  for (const QueueId each : ids) {
    ++changes->left;
    apply(each, written) ? ++changes->made : --changes->left;
  }
  if (id != 0 && changes->made == 0)
    return tools_.answer(tool, ToolRefused{problem_text(queue::ReadProblem::gone)});
  written(queue::Outcome::durable);
}

// ---- destinations

QueuedToTool ToolDesk::change_destination(const ChangeDestination& request) {
  constexpr const char* kWords[] = {"retry", "hold", "release"};
  log::write("control-command",
             {{"tool", "mr-queue"}, {"command", kWords[static_cast<unsigned>(request.change)]}});
  const bool is_hold = request.change == DestinationChange::hold;  // also before there is anything for it
  if (!is_hold && !dispatcher_.schedule().find(request.key))
    return ToolRefused{"there is no such destination"};
  queue::Errno error = 0;
  if (request.change == DestinationChange::retry) dispatcher_.retry_destination(request.key);
  if (is_hold) error = dispatcher_.hold_destination(request.key);
  if (request.change == DestinationChange::release) error = dispatcher_.release_destination(request.key);
  if (error != 0) return ToolRefused{std::string{"it could not be written down: "} + std::strerror(error)};
  const auto number = dispatcher_.schedule().find(request.key);
  return QueueChanged{number ? dispatcher_.schedule().waiting_for(*number) : 0};
}

ShownDestination ToolDesk::shown(DestinationNumber number, const Destination& destination) const {
  const auto* failure = dispatcher_.last_failure(number);
  const auto state = destination.is_held()             ? DestinationState::held
                     : destination.blocked_until() > 0 ? DestinationState::waiting
                                                       : DestinationState::ready;
  return {.key = shortened(destination.key()),
          .state = state,
          .messages = dispatcher_.schedule().waiting_for(number),
          .active = destination.active(),
          .window = destination.window(),
          .failures = destination.failures(),
          .next_attempt = destination.blocked_until(),
          .problem = failure == nullptr ? "" : shortened(queue::answer_text(*failure))};
}

DestinationPage ToolDesk::destinations(const std::string& after) const {
  std::map<std::string_view, DestinationNumber> sorted;
  for (const auto& [number, destination] : dispatcher_.schedule().destinations())
    if (destination.key() > after) sorted.emplace(destination.key(), number);
  DestinationPage page;
  for (const auto& [key, number] : sorted) {
    if (page.destinations.size() == kQueuePageSize) return page;
    page.destinations.push_back(shown(number, *dispatcher_.schedule().find(number)));
  }
  page.last = true;
  return page;
}

void ToolDesk::explain(ToolId tool, const ExplainRoute& request) {
  const Wanted wanted = routes_.wanted(request.domain, request.tls);
  routes_.explain(wanted, request.address, [this, tool, wanted](const RouteDesk::Explained& explained) {
    tools_.answer(tool, explained_in_words(wanted, explained));
  });
}

}  // namespace mailroom::queued
