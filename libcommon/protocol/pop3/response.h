// The responses of POP3 (RFC 1939 section 3) with response codes (RFC 2449 section 8, RFC 3206).
#pragma once

#include <string>
#include <string_view>

namespace mailroom::pop3 {

// Append one line, at most kMaxReplyLine octets of printable ASCII: everything else becomes "?".
void append_ok(std::string& out, std::string_view text);
// `code` as "IN-USE" or "SYS/TEMP", without brackets; empty: none.
void append_error(std::string& out, std::string_view code, std::string_view text);

}  // namespace mailroom::pop3
