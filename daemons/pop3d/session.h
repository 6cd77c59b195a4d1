// POP3 after login: the TRANSACTION and UPDATE states of RFC 1939 with TOP, UIDL and PIPELINING.
//
// SECURITY: runs as the account's own uid, with nothing but the account's directory and the client's stream.
// Messages are removed only by QUIT, and QUIT is answered +OK only after that is on disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "daemons/channels/types.h"
#include "daemons/dialogue/clock.h"
#include "daemons/pop3d/maildrop.h"
#include "libcommon/sys/stream.h"

namespace mailroom::pop3d {

struct SessionFacts {
  std::string notice;    // for people, with the greeting; mostly none
  std::string pre_read;  // of ProvedLogin
  ConnectionId connection = 0;
  std::string account;            // for the log
  std::uint32_t max_errors = 10;  // unknown or malformed commands; then the connection ends
  std::chrono::milliseconds idle_timeout{600000};
};

// Opens the maildrop, answers the login and serves the client to its end.  Throws StreamError; nothing has
// been removed then.
void run_session(Stream& client, Maildrop& maildrop, const SessionFacts& facts, Clock& clock);

}  // namespace mailroom::pop3d
