// Hexadecimal digits and xtext.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailroom {

// 0 to 15, or -1; letters of either case.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Two lower-case digits for each octet.
std::string encode_hex(std::string_view octets);
std::optional<std::string> decode_hex(std::string_view text);

// xtext (RFC 3461 section 4): octets 33 to 126 but '+' and '=' as they are, others as '+' and two upper-case
// digits.
std::string encode_xtext(std::string_view octets);

// Nothing unless the text is xtext.  The result may hold any octet: who puts it into a line refuses controls
// first (SECURITY.md V4).
std::optional<std::string> decode_xtext(std::string_view text);

}  // namespace mailroom
