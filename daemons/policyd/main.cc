// policyd decides: which account may start on a connection, and which envelope a connection may submit.
//
// SECURITY: is the authority of the system, and the only process that opens the shared state.  It speaks to
// listeners, authd, queued, the tools and, on a channel for each connection, to the processes that talk to
// strangers; it believes a message only as far as the channel it came on: a connection's question is about
// that connection, whatever it says, and what is out of turn ends the channel.  Verdicts go to the listener
// or to queued, and the asker is answered after they have been acknowledged.  That a report to a device was
// refused is believed from queued; what follows from it is decided here, and at most suspends.  Runs under a
// uid of its own in its own directory, without network.
#include "daemons/daemon.h"
#include "daemons/policyd/server.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::policyd, [](const Host& host) { return std::make_unique<policyd::Server>(host); });
}
