// kdcd asks the KDCs whether a password is right: it turns it into a ticket for one of our services, which
// krbd verifies.
//
// SECURITY: holds no secret but the password of each login that it is asked about, for as long as the KDCs
// take to answer, and reads what the network sends with libkrb5: so it runs under a uid of its own, in a
// directory with nothing in it but libkrb5's configuration, and has no keytab.  Who takes it over learns the
// passwords that come by; he cannot log anybody in, since a ticket is only good when krbd can read it.
#include "daemons/daemon.h"
#include "daemons/kdcd/server.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::kdcd, [](const Host& host) { return std::make_unique<kdcd::Server>(host); });
}
