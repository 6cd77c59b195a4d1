#include "libcommon/protocol/dsn/encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "libcommon/protocol/sasl/utf8.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/base64.h"

namespace mailroom::dsn {
namespace {

constexpr std::size_t kLine = 76;  // RFC 2045 6.7, RFC 5322 2.1.1
constexpr std::string_view kCut = "...";

// What one "=?UTF-8?B?...?=" carries, so that it fits a line of 76 after "Subject: " (RFC 2047 section 2).
constexpr std::size_t kWordOctets = 39;

constexpr bool is_printable(char c) { return c >= ' ' && c <= '~'; }

// The code point of a well-formed sequence.
std::uint32_t point_of(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return lead;
  std::uint32_t point = lead & (0xffU >> (character.size() + 1));
  for (const char c : character.substr(1)) point = point << 6 | (static_cast<unsigned char>(c) & 0x3fU);
  return point;
}

bool is_shown(std::uint32_t point) {
  const bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
  const bool separator = point == 0x2028 || point == 0x2029;
  const bool direction = (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
  return !control && !separator && !direction;
}

// The longest beginning of well-formed text with at most `limit` octets that ends between characters.
std::size_t whole_characters(std::string_view text, std::size_t limit) {
  std::size_t size = 0;
  while (size < text.size()) {
    const std::size_t next = std::max<std::size_t>(utf8_sequence_length(text.substr(size)), 1);
    if (size + next > limit) break;
    size += next;
  }
  return size;
}

std::string bounded(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  text.resize(whole_characters(text, limit - kCut.size()));
  return text.append(kCut);
}

// As much as is looked at of a text that will be cut to `limit`: each octet gives at least one.
std::string_view relevant(std::string_view text, std::size_t limit) {
  constexpr std::size_t kLongestCharacter = 4;
  return text.substr(0, limit + kLongestCharacter);
}

std::string escaped(char octet) { return fmt::format("={:02X}", static_cast<unsigned char>(octet)); }

std::string quoted_printable_line(std::string_view line) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool trailing = is_blank(c) && i + 1 == line.size();
    const bool literal = (is_printable(c) || c == '\t') && c != '=' && !trailing;
    const std::string unit = literal ? std::string(1, c) : escaped(c);
    if (column + unit.size() >= kLine) {
      out += "=\r\n";
      column = 0;
    }
    out += unit;
    column += unit.size();
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out{relevant(text, limit)};
  std::ranges::replace_if(
      out, [](char c) { return !is_printable(c); }, '?');
  return bounded(std::move(out), limit);
}

std::string printable_utf8(std::string_view text, std::size_t limit) {
  std::string out;
  for (text = relevant(text, limit); !text.empty();) {
    const std::size_t size = utf8_sequence_length(text);
    if (size != 0 && is_shown(point_of(text.substr(0, size))))
      out += text.substr(0, size);
    else
      out += '?';
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return bounded(std::move(out), limit);
}

bool is_ascii(std::string_view text) { return std::ranges::none_of(text, is_8bit); }

std::string quoted_printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    out += quoted_printable_line(text.substr(0, end));
    if (end == std::string_view::npos) break;
    out += "\r\n";
    text.remove_prefix(end + 2);
  }
  return out;
}

// Text that looks like an encoded word is encoded too, so that it is shown as it was.
std::string encoded_words(std::string_view text) {
  if (is_ascii(text) && text.find("=?") == std::string_view::npos) return std::string{text};
  std::string out;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, whole_characters(text, kWordOctets));
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + encode_base64(part) + "?=";
    text.remove_prefix(part.size());
  }
  return out;
}

std::string utf8_address_xtext(std::string_view address) {
  std::string out;
  while (!address.empty()) {
    const std::size_t size = std::max<std::size_t>(utf8_sequence_length(address), 1);
    const std::string_view character = address.substr(0, size);
    const bool plain = is_visible(character.front()) &&
                       std::string_view("\\+=").find(character.front()) == std::string_view::npos;
    if (plain)
      out += character;
    else
      fmt::format_to(std::back_inserter(out), "\\x{{{:02X}}}", point_of(character));
    address.remove_prefix(size);
  }
  return out;
}

std::string wrapped(std::string_view text, std::string_view indent, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    const std::string_view word = text.substr(0, text.find(' '));
    if (word.empty()) break;
    const bool fits = column > 0 && column + 1 + word.size() <= width;
    if (fits)
      out += ' ';
    else
      out.append(column > 0 ? "\r\n" : "").append(indent);
    column = (fits ? column + 1 : indent.size()) + word.size();
    out += word;
    text.remove_prefix(word.size());
  }
  return out += "\r\n";
}

std::string field(std::string_view name, std::string_view value) {
  std::string out{name};
  out += ':';
  std::size_t column = out.size();
  while (!value.empty()) {
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    const std::string_view word = value.substr(0, value.find(' '));
    if (word.empty()) break;
    if (column > name.size() + 1 && column + 1 + word.size() > kLine) {
      out += "\r\n";
      column = 0;
    }
    out.append(" ").append(word);
    column += 1 + word.size();
    value.remove_prefix(word.size());
  }
  return out += "\r\n";
}

}  // namespace mailroom::dsn
