// queued holds the messages in transit: takes them durably, has them delivered, and remembers what came of
// each.
//
// SECURITY: takes content from the processes that talk to strangers, and believes nothing they say: which
// connection speaks is known by its own channel, what it may submit is told by policyd alone, and is used up
// with the first octet. Content is never parsed but for the authors of submitted mail, by a pure scanner.
// Where a message goes is decided here, by pure functions, from what dnsd and policyd say; who carries it to
// another host knows only what it was handed, and is believed only about that. Runs under a uid of its own in
// spool/queue; holds every message in transit, and no way into a mailbox, a network or another process's
// files.
#include "daemons/daemon.h"
#include "daemons/queued/server.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::queued, [](const Host& host) { return std::make_unique<queued::Server>(host); });
}
