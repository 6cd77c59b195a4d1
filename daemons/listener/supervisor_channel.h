// The control channel of a process that forks one for each connection and has a loop of its own.
#pragma once

#include <functional>

#include "daemons/channels/control.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/sys/fd.h"

namespace mailroom {

using SupervisorChannel = ipc::MessageChannel<ProcessToSupervisor, SupervisorToProcess>;

struct SupervisorOrders {
  std::function<void(const AttachChannel& channel, Fd end)> attach;
  std::function<void(bool at_once)> drain;
};

// Takes one message, when there is one, and does what it says.  At the end of mailroomd the channel is closed
// afterwards.
void serve_supervisor(SupervisorChannel& channel, const SupervisorOrders& orders);

}  // namespace mailroom
