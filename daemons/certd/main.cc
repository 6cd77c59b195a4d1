// certd looks at TLS handshakes in which a client showed a certificate, and says what certificate it has
// proved.
//
// SECURITY: reads certificates that strangers have made, with OpenSSL, and is a process of its own so that
// those who hold something need not: it has no secret, no file, no network and an empty root directory, under
// a uid of its own.  It believes nobody about a handshake but keyd, which has signed it, and the client,
// which has signed it too.  It is asked by authd alone and gives authority to nobody: names go to authd,
// which decides by the operator's rules what they mean.  Taken over, it can claim any names, and so log in
// whom these rules let a certificate be.
#include "daemons/certd/server.h"
#include "daemons/daemon.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::certd, [](const Host& host) { return std::make_unique<certd::Server>(host); });
}
