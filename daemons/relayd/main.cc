// relayd: carries mail to other hosts, by SMTP and LMTP.
//
// SECURITY
//   Each connection is a process of its own, under a uid of its own, below a root directory that holds
//   nothing but the sockets of local LMTP servers, without files or rights; it may make connections, and
//   holds the messages that queued handed it for this connection.  Where to, and what TLS must prove, it is
//   told by queued; a password it gets from authd, for the one route it was started for.  Its parent, the
//   listener, keeps the right to change uids and reads only queued's requests for processes.
#include "daemons/relayd/listener.h"

int main() { return mailroom::relayd::run_relayd(); }
