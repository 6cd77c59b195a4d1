// Tells who started us: systemd by sd_notify(3)'s protocol, and others by a line on a descriptor.
#pragma once

#include <string_view>

#include "libcommon/sys/fd.h"

namespace mailroom {

// Sends e.g. "READY=1" to $NOTIFY_SOCKET; nothing when there is none.
void notify_systemd(std::string_view state);

// Writes one line to it; nothing when there is none.
void notify_descriptor(const Fd& fd);

}  // namespace mailroom
