// stsd speaks HTTPS: fetches the MTA-STS policies of other domains, and posts reports on TLS to those that
// want them so.
//
// SECURITY: speaks to web servers that strangers choose, by libcurl, whose HTTP and TLS are the only ones of
// the system that are not ours.  It runs under a uid of its own in an empty root directory, opens no file,
// and connects to one TCP port, of the addresses that policyd has listed for the request.  It follows no
// redirect and keeps no cookie, connection or cache, looks nothing up in the DNS, and holds no secret: what
// it posts is what policyd has counted for the domain that asks for it. What it hands to policyd is octets of
// a bounded number; policyd parses them.
#include "daemons/daemon.h"
#include "daemons/stsd/server.h"

int main() {
  using namespace mailroom;
  return run_daemon(Role::stsd, [](const Host& host) { return std::make_unique<stsd::Server>(host); });
}
