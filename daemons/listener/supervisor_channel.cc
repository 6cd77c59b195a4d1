#include "daemons/listener/supervisor_channel.h"

#include <utility>

namespace mailroom {

void serve_supervisor(SupervisorChannel& channel, const SupervisorOrders& orders) {
  auto received = channel.receive(ipc::PacketSocket::Wait::no, 1);
  if (!received) {
    if (received.error() != ipc::ReceiveError::would_block) channel.close();
    return;
  }
  if (const auto* attached = std::get_if<AttachChannel>(&received->message)) {
    if (received->descriptors.size() == 1) orders.attach(*attached, std::move(received->descriptors.front()));
  } else if (const auto* draining = std::get_if<Drain>(&received->message)) {
    orders.drain(draining->at_once);
  }
}

}  // namespace mailroom
