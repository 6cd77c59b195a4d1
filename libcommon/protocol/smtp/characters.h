// Classes of characters in the SMTP grammar; ASCII only, whatever the locale.
#pragma once

#include <algorithm>
#include <string_view>

namespace mailroom::smtp {

constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_let_dig(char c) { return is_alpha(c) || is_digit(c); }
constexpr bool is_upper_hex(char c) { return is_digit(c) || (c >= 'A' && c <= 'F'); }
constexpr bool is_hex(char c) { return is_upper_hex(c) || (c >= 'a' && c <= 'f'); }
constexpr bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
constexpr bool is_printable(char c) { return c >= 0x20 && c <= 0x7e; }  // with space
constexpr bool is_visible(char c) { return c > 0x20 && c <= 0x7e; }

// RFC 5322 section 3.2.3
constexpr bool is_atext(char c) {
  return is_let_dig(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_upper(x) == to_upper(y); });
}

// Precondition of the value: `digit` is a hexadecimal digit.
constexpr unsigned hex_value(char digit) {
  return static_cast<unsigned>(is_digit(digit) ? digit - '0' : to_upper(digit) - 'A' + 10);
}

// Removes `prefix` from the front of `text` if it is there, whatever its case.
constexpr bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!equal_ignoring_case(text.substr(0, prefix.size()), prefix)) return false;
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
