#include "libcommon/protocol/smtp/xtext.h"

#include <algorithm>

#include "libcommon/protocol/sasl/utf8.h"
#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/characters.h"

namespace mailroom::smtp {
namespace {

constexpr bool is_xchar(char c) { return is_visible(c) && c != '+' && c != '='; }

// "\x{" HEXPOINT "}" at the start of `rest`: a character that is no control character and no surrogate.
bool take_embedded_character(std::string_view& rest) {
  if (!rest.starts_with("\\x{")) return false;
  const std::size_t brace = rest.find('}');
  if (brace == std::string_view::npos) return false;
  const std::string_view digits = rest.substr(3, brace - 3);
  if (digits.size() < 2 || digits.size() > 6 || !std::all_of(digits.begin(), digits.end(), is_upper_hex))
    return false;
  unsigned point = 0;
  for (const char digit : digits) point = point << 4 | hex_value(digit);
  rest.remove_prefix(brace + 1);
  const bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  return !control && !surrogate && point <= 0x10ffff;
}

bool is_utf8_address(std::string_view rest) {
  while (!rest.empty()) {
    if (rest.front() == '\\') {
      if (!take_embedded_character(rest)) return false;
      continue;
    }
    const std::size_t length = utf8_sequence_length(rest);
    if (length == 0 || (length == 1 && !is_xchar(rest.front()))) return false;
    rest.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view xtext) {
  std::string text;
  text.reserve(xtext.size());
  for (std::size_t i = 0; i < xtext.size(); ++i) {
    char c = xtext[i];
    if (c == '+') {
      const std::string_view digits = xtext.substr(i + 1, 2);
      if (digits.size() < 2 || !is_upper_hex(digits[0]) || !is_upper_hex(digits[1])) return std::nullopt;
      c = static_cast<char>(hex_value(digits[0]) << 4 | hex_value(digits[1]));
      if (!is_printable(c)) return std::nullopt;
      i += 2;
    } else if (!is_xchar(c)) {
      return std::nullopt;
    }
    text += c;
  }
  return text;
}

std::string encode_xtext(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string xtext;
  for (const char c : text) {
    if (is_xchar(c)) {
      xtext += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    xtext += '+';
    xtext += kDigits[octet >> 4];
    xtext += kDigits[octet & 15];
  }
  return xtext;
}

bool is_original_recipient(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos || value.size() > kMaxOrcpt) return false;
  const std::string_view type = value.substr(0, semicolon);
  const std::string_view address = value.substr(semicolon + 1);
  if (type.empty() || address.empty() || !std::all_of(type.begin(), type.end(), is_atext)) return false;
  return equals_ignoring_case(type, "utf-8") ? is_utf8_address(address) : decode_xtext(address).has_value();
}

}  // namespace mailroom::smtp
