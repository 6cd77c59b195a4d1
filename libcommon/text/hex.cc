#include "libcommon/text/hex.h"

#include "libcommon/text/ascii.h"

namespace mailroom {
namespace {

// The octet that two digits at the start of the text name; nothing if they are not there.
std::optional<char> octet_at(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  const int high = hex_value(text[0]);
  const int low = hex_value(text[1]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

void append_octet(std::string& out, char octet, std::string_view digits) {
  out += digits[static_cast<unsigned char>(octet) >> 4];
  out += digits[static_cast<unsigned char>(octet) & 0xf];
}

bool is_xchar(char c) { return is_visible(c) && c != '+' && c != '='; }

}  // namespace

std::string encode_hex(std::string_view octets) {
  std::string out;
  out.reserve(octets.size() * 2);
  for (const char c : octets) append_octet(out, c, "0123456789abcdef");
  return out;
}

std::optional<std::string> decode_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto octet = octet_at(text.substr(i));
    if (!octet) return std::nullopt;
    out += *octet;
  }
  return out;
}

std::string encode_xtext(std::string_view octets) {
  std::string out;
  for (const char c : octets) {
    if (is_xchar(c)) {
      out += c;
    } else {
      out += '+';
      append_octet(out, c, "0123456789ABCDEF");
    }
  }
  return out;
}

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_xchar(text[i])) {
      out += text[i];
      continue;
    }
    const auto octet = text[i] == '+' ? octet_at(text.substr(i + 1)) : std::nullopt;
    if (!octet) return std::nullopt;
    out += *octet;
    i += 2;
  }
  return out;
}

}  // namespace mailroom
