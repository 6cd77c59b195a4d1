// authd says who somebody is: it speaks SASL with each connection and holds the password hashes.
//
// SECURITY: is the only process with password hashes, and with every password that is typed, for as long as
// it takes to hash it.  It reads what strangers send (through the process that has their connection) by
// strict grammars of bounded size, and gives authority to nobody: a proved name goes to policyd, which
// decides what it means.  Keeps what this system itself logs in with at other hosts, and gives it to a relay
// process only on the channel that relayd's listener opened for that route.  Believes a client's certificate
// when certd finds it proved in the handshake that keyd has signed for that very connection.  Passwords are
// overwritten after use.  Runs under a uid of its own in its own directory, without network.
#include "daemons/authd/server.h"
#include "daemons/daemon.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::authd, [](const Host& host) { return std::make_unique<authd::Server>(host); });
}
