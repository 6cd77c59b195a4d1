// What a message asks of the far side, and the command lines for it.  Pure.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "daemons/channels/relayd.h"
#include "daemons/relayd/session.h"
#include "libcommon/protocol/smtp/outgoing_content.h"

namespace mailroom::relayd {

struct MessageNeeds {
  std::uint64_t size = 0;
  smtp::ContentNeeds content;
};

// Whether the message can go over this session as it is.  The error: what is missing, as enhanced code and
// words with code 0.
[[nodiscard]] std::expected<void, Reply> check_message(const Send& message, const MessageNeeds& needs,
                                                       const Session& session);

// Whether an address can stand in a command line: nothing in it ends the path, the parameter or the line.
bool is_sendable(std::string_view address);

// With CRLF; with the parameters that the session knows (RFC 1870, 6152, 6531, 3461, 8689).  Preconditions:
// check_message() had no objection, the address is_sendable().
std::string mail_command(const Send& message, const MessageNeeds& needs, const Session& session);
std::string rcpt_command(const OutboundRecipient& recipient, const Session& session);

}  // namespace mailroom::relayd
