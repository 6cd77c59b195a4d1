// The addresses of this host's network interfaces, as they are now.
#pragma once

#include <vector>

#include "libcommon/sys/ip_address.h"

namespace mailroom {

// The ports are 0.  Empty when the kernel does not say.
std::vector<IpAddress> own_addresses();

}  // namespace mailroom
