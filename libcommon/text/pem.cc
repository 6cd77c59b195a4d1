#include "libcommon/text/pem.h"

#include <algorithm>
#include <optional>

#include "libcommon/text/base64.h"

namespace mailroom {
namespace {

constexpr unsigned char kSequence = 0x30;
constexpr unsigned char kLongLength = 0x80;  // and the number of octets that the length has (X.690 8.1.3.5)
constexpr std::size_t kMaxLengthOctets = 4;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// The tag, the length of the content, and so much of it.
bool is_one_sequence(std::string_view der) {
  if (der.size() < 2 || static_cast<unsigned char>(der[0]) != kSequence) return false;
  const auto first = static_cast<unsigned char>(der[1]);
  if (first < kLongLength) return der.size() - 2 == first;
  const std::size_t octets = first - kLongLength;
  if (octets == 0 || octets > kMaxLengthOctets || der.size() - 2 < octets) return false;
  std::size_t length = 0;
  for (const char octet : der.substr(2, octets)) length = length << 8 | static_cast<unsigned char>(octet);
  return der.size() - 2 - octets == length;
}

std::optional<std::string> decode_block(std::string_view lines) {
  std::string text{lines};
  std::erase_if(text, is_blank);
  auto der = decode_base64(text);
  if (!der || !is_one_sequence(*der)) return std::nullopt;
  return der;
}

}  // namespace

std::expected<std::vector<std::string>, std::string> decode_pem(std::string_view text,
                                                                std::string_view label) {
  const std::string begin = "-----BEGIN " + std::string{label} + "-----";
  const std::string end = "-----END " + std::string{label} + "-----";
  std::vector<std::string> all;
  for (auto at = text.find(begin); at != text.npos; at = text.find(begin, at)) {
    at += begin.size();
    const std::size_t size = text.substr(at).find(end);
    auto block = size == text.npos ? std::nullopt : decode_block(text.substr(at, size));
    if (!block)
      return std::unexpected(std::string{label} + " number " + std::to_string(all.size() + 1) +
                             " in it is cut off or damaged");
    all.push_back(std::move(*block));
  }
  return all;
}

}  // namespace mailroom
