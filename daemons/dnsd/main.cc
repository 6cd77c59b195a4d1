// dnsd answers questions about the DNS, validated with DNSSEC; nothing else in the system speaks DNS.
//
// SECURITY: reads what the servers of strangers' zones answer, with libunbound, and holds nothing: no file,
// no message, no key that is secret.  Runs under a uid of its own in an empty root directory, with a filter
// that lets it make Internet sockets and nothing else, and with Landlock TCP connections only to the port of
// DNS and the ports of the servers it was given.  Validation happens here, so that no resolver on the way
// needs to be trusted.  A taken-over dnsd can lie to queued and policyd: mail may be sent to a wrong host,
// without TLS, and a registered client may be taken for another; it reaches no message, mailbox, password or
// key.
#include "daemons/daemon.h"
#include "daemons/dnsd/server.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::dnsd, [](const Host& host) { return std::make_unique<dnsd::Server>(host); });
}
