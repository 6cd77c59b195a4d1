// deliverd puts messages into the accounts' mailboxes.
//
// SECURITY: the one process that writes into every account, so it does nothing else: it parses nothing of a
// message, reads no file, and creates files only as the account they are for (setfsuid, with uids of the
// account range alone: its filter checks), below that account's directory, never through a symbolic link.
// Runs under a uid of its own in spool/mail, with SETUID and SETGID as its only capabilities.  Takes orders
// from queued alone, which names accounts, not paths or uids.
#include "daemons/daemon.h"
#include "daemons/deliverd/server.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::deliverd,
                    [](const Host& host) { return std::make_unique<deliverd::Server>(host); });
}
