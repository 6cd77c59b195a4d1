// The memfd in which a SessionStart travels from the child before login to the session.
#pragma once

#include "daemons/channels/handover.h"
#include "libcommon/sys/fd.h"

namespace mailroom {

// Throws std::system_error.
Fd write_session_start(const SessionStart& start);

// Reads it once and checks it: the writer may still hold it.  Throws std::runtime_error for what is none.
SessionStart read_session_start(Fd file);

}  // namespace mailroom
