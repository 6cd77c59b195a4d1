// Numbers and vectors of the presentation language (RFC 8446 3), taken from the front of octets.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mailroom::tls {

class OctetReader {
 public:
  explicit OctetReader(std::string_view octets) : left_{octets} {}
  bool at_end() const { return left_.empty(); }
  std::string_view left() const { return left_; }

  // Nothing, and nothing taken, when there are not so many.
  std::optional<std::string_view> take(std::size_t size) {
    if (left_.size() < size) return std::nullopt;
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  // Of so many octets, at most four.
  std::optional<std::size_t> number(std::size_t octets) {
    const auto taken = take(octets);
    if (!taken) return std::nullopt;
    std::size_t value = 0;
    for (const char octet : *taken) value = value << 8 | static_cast<unsigned char>(octet);
    return value;
  }
  // opaque<0..2^(8*octets)-1>
  std::optional<std::string_view> vector(std::size_t octets) {
    const auto size = number(octets);
    return size ? take(*size) : std::nullopt;
  }

 private:
  std::string_view left_;
};

}  // namespace mailroom::tls
