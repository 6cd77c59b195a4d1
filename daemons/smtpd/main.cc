// smtpd: takes mail by SMTP, from strangers (class mx), people who log in (submission), campus networks
// (outgoing) and devices (relay).
//
// SECURITY
//   Each connection is a process of its own, under a uid of its own, in an empty root directory, without
//   network, files or rights; it holds its client's socket and a channel each to policyd, queued, keyd and
//   authd.  What it may submit is decided by policyd and told to queued without passing through it.  Its
//   parent, the listener, keeps the right to change uids and reads nothing that a client sends.
#include "daemons/smtpd/serve.h"

int main() {
  using namespace mailroom;
  const Protocol protocol{.alpn = "smtp",
                          .too_many = "421 4.7.0 Too many connections; try again in a minute\r\n",
                          .before_login = serve_connection,
                          .after_login = {}};
  return run_listener(Role::smtpd_mx, protocol);
}
