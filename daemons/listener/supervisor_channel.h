// The control channel of a process that forks one for each connection and has a loop of its own.
#pragma once

#include <functional>

#include "daemons/channels/control.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/sys/leased_fd.h"

namespace mailroom {

using SupervisorChannel = ipc::MessageChannel<ProcessToSupervisor, SupervisorToProcess>;

struct SupervisorOrders {
  std::function<void(const AttachChannel& channel, LeasedFd end)> attach;
  std::function<void(bool at_once)> drain;
};

// Takes one message, when there is one, and does what it says.  At the end of the supervisor the channel is
// closed afterwards.  The supervisor is told when an attached channel is closed, so `channel` is to outlive
// them.
void serve_supervisor(SupervisorChannel& channel, const SupervisorOrders& orders);

}  // namespace mailroom
