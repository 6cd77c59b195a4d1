// keyd holds the TLS private keys and signs handshakes with them.
//
// SECURITY: the only process that ever sees a private key.  It reads the keys from descriptors that it is
// started with, then has no file, no network and an empty root directory under a uid of its own.  Processes
// that talk to strangers ask it on a channel for each connection; it signs only what a TLS server signs in a
// handshake, at most a few times for each connection, and nothing it says lets a key be computed.  It tells
// authd what it has signed for which connection, as known by the channel that the listener opened.  A
// taken-over asker can have a handshake signed while it lives, and keeps nothing afterwards.
#include "daemons/daemon.h"
#include "daemons/keyd/server.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::keyd, [](const Host& host) { return std::make_unique<keyd::Server>(host); });
}
