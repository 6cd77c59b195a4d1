// What pop3d's processes do: the graph of the engines and of what they speak with.
#pragma once

#include "daemons/listener/protocol.h"

namespace mailroom {

// One connection before login, in its own process.
void serve_connection(BeforeLogin& process);

// One session, as its account, in its own process.
void serve_session(AfterLogin& process);

}  // namespace mailroom
