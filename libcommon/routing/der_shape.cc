#include "libcommon/routing/der_shape.h"

#include <cstddef>
#include <initializer_list>
#include <optional>

namespace mailroom::routing {
namespace {

constexpr unsigned char kSequence = 0x30, kBitString = 0x03;
constexpr unsigned kLongLength = 0x80;  // with the number of octets that follow
constexpr unsigned kMaxLengthOctets = 3;

std::optional<std::size_t> take_octet(std::string_view& der) {
  if (der.empty()) return {};
  const auto octet = static_cast<unsigned char>(der.front());
  der.remove_prefix(1);
  return octet;
}

std::optional<std::size_t> take_length(std::string_view& der) {
  const auto first = take_octet(der);
  if (!first || *first < kLongLength) return first;
  const std::size_t octets = *first - kLongLength;
  if (octets == 0 || octets > kMaxLengthOctets) return {};
  std::size_t length = 0;
  for (std::size_t i = 0; i < octets; ++i) {
    const auto next = take_octet(der);
    if (!next) return {};
    length = length << 8 | *next;
  }
  return length;
}

// The content of the element at the front, which must have that tag.
std::optional<std::string_view> take(std::string_view& der, unsigned char tag) {
  if (take_octet(der) != std::optional<std::size_t>{tag}) return {};
  const auto length = take_length(der);
  if (!length || *length > der.size()) return {};
  const std::string_view content = der.substr(0, *length);
  der.remove_prefix(*length);
  return content;
}

// Of elements with these tags, and nothing more.
bool is_sequence_of(std::string_view der, std::initializer_list<unsigned char> tags) {
  auto content = take(der, kSequence);
  if (!content || !der.empty()) return false;
  for (const unsigned char tag : tags)
    if (!take(*content, tag)) return false;
  return content->empty();
}

}  // namespace

bool has_shape_of_certificate(std::string_view der) {
  return is_sequence_of(der, {kSequence, kSequence, kBitString});
}

bool has_shape_of_key(std::string_view der) { return is_sequence_of(der, {kSequence, kBitString}); }

}  // namespace mailroom::routing
