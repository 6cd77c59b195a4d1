// ASCII as the mail protocols use it: case, blanks and digits, whatever the locale.
//
// Octets above 127 are never letters, never blanks and equal only themselves (RFC 3501 9, RFC 5321 2.4).
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }
constexpr bool is_alnum(char c) { return is_digit(c) || is_alpha(c); }
// Space or tab: WSP of RFC 5234.
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
// A control: 0 to 31 and 127, CTL of RFC 5234.
constexpr bool is_control(char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }
// Octets 33 to 126, VCHAR of RFC 5234.
constexpr bool is_visible(char c) { return c > ' ' && c < '\x7f'; }
constexpr bool is_8bit(char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; }

std::string lower_case(std::string_view text);
std::string upper_case(std::string_view text);

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

constexpr bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

// Negative, zero or positive as memcmp, letters compared in lower case.
constexpr int compare_ignoring_case(std::string_view a, std::string_view b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    const int difference =
        static_cast<unsigned char>(to_lower(a[i])) - static_cast<unsigned char>(to_lower(b[i]));
    if (difference != 0) return difference;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

// For std::map and std::set with names that ignore case.
struct LessIgnoringCase {
  using is_transparent = void;
  constexpr bool operator()(std::string_view a, std::string_view b) const {
    return compare_ignoring_case(a, b) < 0;
  }
};

// Without the blanks (space, tab) at both ends.
constexpr std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// A number written with decimal digits only, leading zeros allowed: no sign, no blank, no overflow, not
// empty.
template <std::unsigned_integral T>
constexpr std::optional<T> parse_decimal(std::string_view text) {
  if (text.empty()) return std::nullopt;
  T value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    if (__builtin_mul_overflow(value, T{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<T>(c - '0'), &value)) return std::nullopt;
  }
  return value;
}

}  // namespace mailroom
