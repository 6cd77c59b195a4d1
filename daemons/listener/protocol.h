// What smtpd, pop3d and imapd give to the listener they share, and what they get from it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemons/channels/handover.h"
#include "daemons/channels/types.h"
#include "daemons/config.h"
#include "daemons/daemon.h"
#include "libcommon/sys/fd.h"
#include "libcommon/tls/server_context.h"

namespace mailroom {

// One connection, in its own process, before login (SMTP: to its end).  The process holds these descriptors
// and the log pipe, nothing else.
struct BeforeLogin {
  const Config& config;
  const ListenerConfig& listener;
  tls::ServerContext* tls;  // null without certificates
  ConnectionId connection;
  IpAddress peer;
  Fd client;
  Fd to_listener;  // hand-over channel; its end of file ends the connection
  Fd to_authd;     // each of these is invalid where the service has no use for it
  Fd to_policyd;
  Fd to_queued;
};

// One session, in its own process, as its account, in the account's directory (the current and root
// directory).
struct AfterLogin {
  const Config& config;
  ConnectionId connection;
  IpAddress peer;
  AccountId account;
  std::string name;
  SessionStart start;
  Fd client;       // plaintext: the client's socket, or the relay's end
  Fd to_listener;  // never written; its end of file ends the session
};

struct Protocol {
  std::string alpn;  // "smtp", "pop3", "imap"
  // Said to a client that a limit turns away on a port without implicit TLS; a whole line.
  std::string too_many;
  std::function<void(BeforeLogin&)> before_login;
  std::function<void(AfterLogin&)> after_login;  // empty: no sessions (SMTP)
};

// The main of smtpd, pop3d and imapd.  Returns the exit status.
int run_listener(Role role, const Protocol& protocol);

}  // namespace mailroom
