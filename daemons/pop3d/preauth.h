// POP3 up to login: the AUTHORIZATION state of RFC 1939 with CAPA, STLS, USER and PASS, AUTH and QUIT.
//
// SECURITY: runs in the process that talks to a stranger, and holds nothing but this connection.  It carries
// credentials to the Authenticator, and none before the policy of this port allows it; input that came in
// plaintext never reaches TLS; no answer repeats what was sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "daemons/channels/types.h"
#include "daemons/dialogue/clock.h"
#include "daemons/listener/authenticator.h"
#include "daemons/listener/tls_upgrade.h"
#include "libcommon/sys/stream.h"

namespace mailroom::pop3d {

enum class TlsState : std::uint8_t {
  none,       // not offered on this connection
  available,  // STLS may be used
  active,
};

struct PreauthFacts {
  std::string hostname;
  ConnectionId connection = 0;
  TlsState tls = TlsState::none;
  bool plaintext_login = false;  // logging in is allowed without TLS
  bool kpop = false;  // a ticket was taken (kpop.h): USER says whose it is, and PASS is not looked at
  std::uint32_t max_errors = 10;                    // commands refused; then the connection ends
  std::chrono::milliseconds login_timeout{120000};  // from the greeting to the login, as a whole
  std::chrono::milliseconds tls_timeout{60000};
};

// A login that has succeeded and not been answered: the account's session answers, when it has the maildrop.
struct ProvedLogin {
  std::string context;   // what the answer says besides, for people; mostly nothing
  std::string pre_read;  // what the client has sent after the command
};

// Greets, and serves the client up to its login.  Nothing: the connection is over.  `tls` is used when
// facts.tls is `available`.  Throws StreamError.
std::optional<ProvedLogin> run_preauth(Stream& client, const PreauthFacts& facts,
                                       Authenticator& authenticator, TlsUpgrade& tls, Clock& clock);

// Answers a proved login whose session could not be started.  Throws StreamError.
void refuse_session(Stream& client, const std::string& context);

}  // namespace mailroom::pop3d
