// What smtpd's processes do: the graph of the engines and of what they speak with.
#pragma once

#include "daemons/listener/protocol.h"

namespace mailroom {

// One connection before login (there is no other), in its own process.
void serve_connection(BeforeLogin& process);

}  // namespace mailroom
