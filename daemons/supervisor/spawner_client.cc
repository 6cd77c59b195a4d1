#include "daemons/supervisor/spawner_client.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "daemons/log.h"

namespace mailroom {
namespace {

constexpr const char* kGone = "mailroomd has gone";

[[noreturn]] void fail(int error) {
  throw std::system_error(error, std::generic_category(), "start of a process");
}

// Nothing for what is an answer to start().
std::optional<SpawnerClient::Event> event_in(const SpawnerToSupervisor& message) {
  if (const auto* ended = std::get_if<ProcessEnded>(&message)) return *ended;
  if (const auto* ended = std::get_if<ConnectionsEnded>(&message)) return *ended;
  if (const auto* order = std::get_if<OrderCame>(&message)) return *order;
  return std::nullopt;
}

}  // namespace

void SpawnerClient::send_with(const SupervisorToSpawner& message, std::span<const int> descriptors) {
  const auto result = channel_.send(message, descriptors);
  if (result == ipc::SendResult::too_many_descriptors) fail(ETOOMANYREFS);
  if (result != ipc::SendResult::sent) log::fatal(kGone);
}

void SpawnerClient::pass(std::span<const int> descriptors) {
  if (descriptors.size() > kMostPassed) fail(E2BIG);
  bool first = true;
  do {
    const std::size_t count = std::min(descriptors.size(), ipc::kMaxDescriptors);
    send_with(PassDescriptors{std::exchange(first, false)}, descriptors.first(count));
    descriptors = descriptors.subspan(count);
  } while (!descriptors.empty());
}

SpawnerClient::Started SpawnerClient::start(Role role, int log, int launch, const std::vector<int>& passed) {
  pass(passed);
  const int own[] = {log, launch};
  send_with(StartProcess{role}, own);
  for (;;) {
    auto received = channel_.receive(Channel::Wait::yes, 1);
    // The answer without its descriptor, for which there was no room: what was started finds its control
    // channel closed, and ends.
    if (!received && received.error() == ipc::ReceiveError::malformed) fail(EMFILE);
    if (!received) log::fatal(kGone);
    if (const auto event = event_in(received->message)) {
      waiting_.push_back(*event);
    } else if (const auto* failed = std::get_if<NotStarted>(&received->message)) {
      fail(failed->error);
    } else if (received->descriptors.size() == 1) {
      return {std::get<ProcessStarted>(received->message).pid, std::move(received->descriptors.front())};
    }
  }
}

AccountDirectoriesMade SpawnerClient::make(const MakeAccountDirectories& request) {
  channel_.send(request);
  for (;;) {
    auto received = channel_.receive(Channel::Wait::yes);
    if (!received) log::fatal(kGone);
    if (const auto event = event_in(received->message))
      waiting_.push_back(*event);
    else if (auto* made = std::get_if<AccountDirectoriesMade>(&received->message))
      return std::move(*made);
  }
}

std::optional<SpawnerClient::Event> SpawnerClient::next() {
  if (!waiting_.empty()) {
    const Event event = waiting_.front();
    waiting_.pop_front();
    return event;
  }
  const auto received = channel_.receive(Channel::Wait::no);
  if (received) return event_in(received->message);
  if (received.error() != ipc::ReceiveError::would_block) log::fatal(kGone);
  return std::nullopt;
}

}  // namespace mailroom
