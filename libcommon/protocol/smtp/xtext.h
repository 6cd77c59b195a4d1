// Xtext (RFC 3461 section 4): visible ASCII, where "+" and "=" and all else are "+" and two hexadecimal
// digits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailroom::smtp {

// Nothing for what is not xtext, and nothing for text that holds control characters or octets past ASCII once
// decoded (SECURITY.md V4): they have no place in what it carries, and end up in reports and logs.
std::optional<std::string> decode_xtext(std::string_view xtext);

std::string encode_xtext(std::string_view text);

// ORCPT: addr-type ";" and an address in xtext, or for the type "utf-8" in the forms of RFC 6533 section 3,
// likewise without control characters.
bool is_original_recipient(std::string_view value);

}  // namespace mailroom::smtp
