// The replies of SMTP (RFC 5321 section 4.2) with enhanced status codes (RFC 2034), as they go on the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom::smtp {

// Appends the reply to `out`: one line for each line of `text` (parted by LF), each at most kMaxReplyLine
// octets and made of printable ASCII: everything else becomes "?", so that no text can end its line
// (SECURITY.md V4).  `enhanced` is repeated in each line; empty for 3xx, the greeting, and the replies to
// HELO and EHLO (RFC 2034 section 4).
void append_reply(std::string& out, std::uint16_t code, std::string_view enhanced, std::string_view text);

}  // namespace mailroom::smtp
