#include "daemons/listener/supervisor_channel.h"

#include <utility>

namespace mailroom {
namespace {

LeasedFd lease(SupervisorChannel& channel, const AttachChannel& attached, Fd end) {
  const auto tell = [&channel, attached](void*) {
    if (channel.is_open())
      channel.send(ChannelLost{attached.kind, attached.peer}, {}, ipc::PacketSocket::Wait::no);
  };
  return {std::move(end), std::shared_ptr<void>{nullptr, tell}};
}

}  // namespace

void serve_supervisor(SupervisorChannel& channel, const SupervisorOrders& orders) {
  auto received = channel.receive(ipc::PacketSocket::Wait::no, 1);
  if (!received) {
    if (received.error() != ipc::ReceiveError::would_block) channel.close();
    return;
  }
  if (const auto* attached = std::get_if<AttachChannel>(&received->message)) {
    if (received->descriptors.size() == 1)
      orders.attach(*attached, lease(channel, *attached, std::move(received->descriptors.front())));
  } else if (const auto* draining = std::get_if<Drain>(&received->message)) {
    orders.drain(draining->at_once);
  }
}

}  // namespace mailroom
