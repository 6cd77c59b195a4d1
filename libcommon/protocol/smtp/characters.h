// Classes of characters of the SMTP grammar beside those of libcommon/text/ascii.h, and the small steps of
// its parsers.
#pragma once

#include <string_view>

#include "libcommon/text/ascii.h"

namespace mailroom::smtp {

constexpr bool is_let_dig(char c) { return is_alnum(c); }
constexpr bool is_upper_hex(char c) { return is_digit(c) || (c >= 'A' && c <= 'F'); }
constexpr bool is_hex(char c) { return is_digit(c) || (to_upper(c) >= 'A' && to_upper(c) <= 'F'); }
constexpr bool is_ascii(char c) { return !is_8bit(c); }
constexpr bool is_printable(char c) { return c >= 0x20 && c <= 0x7e; }  // with space

// RFC 5322 section 3.2.3
constexpr bool is_atext(char c) {
  return is_let_dig(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// Precondition of the value: `digit` is a hexadecimal digit.
constexpr unsigned hex_value(char digit) {
  return static_cast<unsigned>(is_digit(digit) ? digit - '0' : to_upper(digit) - 'A' + 10);
}

// Removes `prefix` from the front of `text` if it is there, whatever its case.
constexpr bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!starts_with_ignoring_case(text, prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

constexpr void skip_spaces(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

// Removes and returns what precedes the next space.
constexpr std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace mailroom::smtp
