// IMAP after login: the session of one account (RFC 3501 sections 6.3 and 6.4, and the extensions of
// capabilities.cc).
//
// SECURITY: runs as the account's own uid, with nothing but the account's directory and the client's stream.
// A tagged OK is sent only after what it confirms is on disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "daemons/imapd/wait.h"
#include "libcommon/sys/stream.h"
#include "spool/mailbox/mailbox.h"

namespace mailroom::imapd {

struct SessionFacts {
  std::string context;   // of ProvedLogin: the tag of the login command, which run_session answers
  std::string pre_read;  // of ProvedLogin
  std::uint64_t append_limit = 64 * 1048576;
  std::size_t max_command_size = 65536;
  std::uint32_t max_errors = 20;  // commands answered BAD; then BYE
  std::chrono::milliseconds idle_timeout{1800000};
  // Called for failures of the store that an operator should know of; the client has been, or will be, told
  // NO.
  std::function<void(const mailbox::Failure&)> on_failure;
};

// Answers the login and serves the client to its end.  The caller then closes the connection, and calls
// mail.maintain() when nobody waits for it any more.  Throws StreamError.
void run_session(Stream& client, mailbox::Mailbox& mail, Wait& wait, const SessionFacts& facts);

// The part of mailbox::Options that is this engine's: what it keeps of a message in the index.
void set_summary(mailbox::Options& options);

}  // namespace mailroom::imapd
