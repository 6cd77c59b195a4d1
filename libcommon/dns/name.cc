#include "libcommon/dns/name.h"

#include <cstdint>

#include "libcommon/dns/limits.h"
#include "libcommon/text/ascii.h"

namespace mailroom::dns {
namespace {

constexpr std::uint8_t kPointerBits = 0xc0;  // RFC 1035 4.1.4

bool is_plain(char c) { return is_alnum(c) || c == '-' || c == '_'; }

void append_octet(std::string& text, char c) {
  if (is_plain(c)) {
    text += to_lower(c);
    return;
  }
  const auto octet = static_cast<std::uint8_t>(c);
  text += '\\';
  for (const int unit : {100, 10, 1}) text += static_cast<char>('0' + octet / unit % 10);
}

}  // namespace

std::optional<WireName> read_name(std::string_view message, std::size_t offset) {
  const auto octet = [&](std::size_t at) { return static_cast<std::uint8_t>(message[at]); };
  WireName name;
  std::size_t at = offset, wire_size = 0;
  const std::size_t limit = message.size();
  while (true) {
    if (at >= limit) return std::nullopt;
    const std::uint8_t length = octet(at);
    if ((length & kPointerBits) == kPointerBits) {
      if (at + 1 >= limit) return std::nullopt;
      const std::size_t target = static_cast<std::size_t>(length & ~kPointerBits) << 8 | octet(at + 1);
      if (name.end == 0) name.end = at + 2;
      // Strictly back each time: no loop.
      if (target >= offset) return std::nullopt;
      at = offset = target;
      continue;
    }
    if ((length & kPointerBits) != 0) return std::nullopt;
    wire_size += std::size_t{1} + length;
    if (wire_size > kMaxWireName || at + 1 + length > limit) return std::nullopt;
    if (length == 0) break;
    if (!name.text.empty()) name.text += '.';
    for (const char c : message.substr(at + 1, length)) append_octet(name.text, c);
    at += std::size_t{1} + length;
  }
  if (name.end == 0) name.end = at + 1;
  return name;
}

bool is_domain_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.' && label == 0) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > kMaxLabel || (c != '.' && !is_plain(c))) return false;
  }
  return label > 0;
}

}  // namespace mailroom::dns
