#include "daemons/supervisor/spawner_client.h"

#include <algorithm>
#include <span>
#include <system_error>

#include "daemons/log.h"

namespace mailroom {
namespace {

// Nothing for what is an answer to start().
std::optional<SpawnerClient::Event> event_in(const SpawnerToSupervisor& message) {
  if (const auto* ended = std::get_if<ProcessEnded>(&message)) return *ended;
  if (const auto* ended = std::get_if<ConnectionsEnded>(&message)) return *ended;
  if (const auto* order = std::get_if<OrderCame>(&message)) return *order;
  return std::nullopt;
}

}  // namespace

SpawnerClient::Started SpawnerClient::start(Role role, int log, int launch, const std::vector<int>& passed) {
  for (std::size_t at = 0; at < passed.size(); at += ipc::kMaxDescriptors)
    channel_.send(PassDescriptors{},
                  std::span{passed}.subspan(at, std::min(passed.size() - at, ipc::kMaxDescriptors)));
  const int own[] = {log, launch};
  channel_.send(StartProcess{role}, own);
  for (;;) {
    auto received = receive(Channel::Wait::yes);
    if (const auto event = event_in(received->message)) {
      waiting_.push_back(*event);
    } else if (const auto* failed = std::get_if<NotStarted>(&received->message)) {
      throw std::system_error(failed->error, std::generic_category(), "start of a process");
    } else if (received->descriptors.size() == 1) {
      return {std::get<ProcessStarted>(received->message).pid, std::move(received->descriptors.front())};
    }
  }
}

std::optional<SpawnerClient::Event> SpawnerClient::next() {
  if (!waiting_.empty()) {
    const Event event = waiting_.front();
    waiting_.pop_front();
    return event;
  }
  const auto received = receive(Channel::Wait::no);
  return received ? event_in(received->message) : std::nullopt;
}

std::optional<SpawnerClient::Channel::Received> SpawnerClient::receive(Channel::Wait wait) {
  auto received = channel_.receive(wait, 1);
  if (received) return std::move(*received);
  if (received.error() != ipc::ReceiveError::would_block) log::fatal("mailroomd has gone");
  return std::nullopt;
}

}  // namespace mailroom
