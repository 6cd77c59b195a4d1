// IMAP up to login: CAPABILITY, NOOP, LOGOUT, ID, STARTTLS, AUTHENTICATE, LOGIN (RFC 3501 sections 6.1
// and 6.2).
//
// SECURITY: runs in the process that talks to a stranger, and holds nothing but this connection.  It carries
// credentials to the Authenticator and never forwards any before the policy of this port allows it; input
// that came in plaintext is dropped when TLS starts; a client that breaks the protocol too often, or speaks
// HTTP, is disconnected; no answer repeats what was sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemons/imapd/capabilities.h"
#include "daemons/listener/authenticator.h"
#include "daemons/listener/tls_upgrade.h"
#include "libcommon/sys/stream.h"

namespace mailroom::imapd {

struct PreauthFacts {
  std::string hostname;
  TlsState tls = TlsState::none;
  bool plaintext_login = false;   // logging in is allowed without TLS
  std::uint32_t max_errors = 10;  // commands answered BAD and logins refused; then BYE
  std::chrono::milliseconds login_timeout{180000};
};

// A login that has succeeded and not been answered: the account's session answers.
struct ProvedLogin {
  std::string context;   // for run_session: the command's tag
  std::string pre_read;  // what the client has sent after the command
};

// Greets, and serves the client up to its login.  Nothing: the connection is over (the client left, or was
// told BYE). `tls` is used when facts.tls is `available`.  Throws StreamError.
std::optional<ProvedLogin> run_preauth(Stream& client, const PreauthFacts& facts,
                                       Authenticator& authenticator, TlsUpgrade& tls);

// Answers a proved login whose session could not be started, on the stream that is current then.  Throws
// StreamError.
void refuse_session(Stream& client, const std::string& context);

}  // namespace mailroom::imapd
