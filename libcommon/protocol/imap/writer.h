// Text of responses: strings as RFC 3501 section 4.3 wants them.
#pragma once

#include <string>
#include <string_view>

namespace mailroom::imap {

// As a quoted string when that can hold it (no CR, LF, NUL or 8-bit octets, not too long), else as a literal.
void append_string(std::string& out, std::string_view text);

// As an atom when it is one, else as append_string.  NIL and the empty string are quoted.
void append_astring(std::string& out, std::string_view text);

// The name (UTF-8) in modified UTF-7, as an astring.
void append_mailbox(std::string& out, std::string_view utf8_name);

}  // namespace mailroom::imap
