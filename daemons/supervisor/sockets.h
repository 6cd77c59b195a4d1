// What the supervisor binds: the services' ports, and the control sockets of the tools.
#pragma once

#include <string>

#include "daemons/config.h"
#include "libcommon/sys/fd.h"

namespace mailroom {

// A listening TCP socket, non-blocking, with TCP_NODELAY for what is accepted.  Throws std::system_error with
// the address.
Fd listen_on(const IpAddress& address);

// A listening SEQPACKET socket that only root (or who runs mailroomd) may connect to.  Replaces what is
// there.  Throws.
Fd listen_for_tools(const std::string& path);

}  // namespace mailroom
