// imapd: gives people their mail by IMAP.
//
// SECURITY
//   Before login each connection is a process of its own under a uid of its own, in an empty root directory,
//   with its client's socket and a channel to authd.  After login it is another process, which never was the
//   first: the account's own uid, in the account's directory, started by the listener on policyd's word.
//   Neither can reach another account's mail, a key or a password.
#include "daemons/imapd/serve.h"
#include "libcommon/text/charset.h"

int main() {
  using namespace mailroom;
  prepare_charsets();  // SEARCH runs behind the filter, where ICU could load nothing
  const Protocol protocol{.alpn = "imap",
                          .too_many = "* BYE Too many connections; try again in a minute\r\n",
                          .before_login = serve_connection,
                          .after_login = serve_session};
  return run_listener(Role::imapd, protocol);
}
