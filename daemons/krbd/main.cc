// krbd looks at Kerberos tickets and says whose they are; it alone has the keytab.
//
// SECURITY: is the only process with the keys of our services, in memory, read before its walls closed.  It
// is asked by authd alone, about octets that strangers sent, and libkrb5 reads those: so it runs under a uid
// of its own, without network, in a directory with nothing in it but libkrb5's configuration and replay
// cache.  It gives authority to nobody: a principal goes to authd, which decides what it means.
#include "daemons/daemon.h"
#include "daemons/krbd/server.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::krbd, [](const Host& host) { return std::make_unique<krbd::Server>(host); });
}
