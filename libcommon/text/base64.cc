#include "libcommon/text/base64.h"

#include <array>
#include <cstdint>

namespace mailroom {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kForeign = 0xff;
constexpr std::size_t kLineOctets = 57;  // 76 characters

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kForeign);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kValues = make_values();

std::uint8_t value_of(char c) { return kValues[static_cast<unsigned char>(c)]; }

void append_group(std::string& out, std::string_view group) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    out += i <= group.size() ? kAlphabet[bits >> (18 - 6 * i) & 0x3f] : '=';
  }
}

// Collects groups of six bits into octets.
class SixBits {
 public:
  explicit SixBits(std::string& out) : out_{&out} {}
  void add(std::uint8_t value) {
    bits_ = bits_ << 6 | value;
    count_ += 6;
    if (count_ < 8) return;
    count_ -= 8;
    *out_ += static_cast<char>(bits_ >> count_ & 0xff);
  }
  bool rest_is_zero() const { return (bits_ & ((1U << count_) - 1)) == 0; }

 private:
  std::string* out_;
  std::uint32_t bits_ = 0;
  unsigned count_ = 0;
};

}  // namespace

std::string encode_base64(std::string_view octets) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < octets.size(); at += 3) append_group(out, octets.substr(at, 3));
  return out;
}

std::string encode_base64_lines(std::string_view octets) {
  std::string out;
  for (std::size_t at = 0; at < octets.size(); at += kLineOctets) {
    out += encode_base64(octets.substr(at, kLineOctets));
    out += "\r\n";
  }
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  SixBits bits(out);
  for (const char c : text) {
    if (value_of(c) == kForeign) return std::nullopt;
    bits.add(value_of(c));
  }
  if (!bits.rest_is_zero()) return std::nullopt;
  return out;
}

std::string decode_base64_lenient(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  SixBits bits(out);
  for (const char c : text) {
    if (c == '=') break;
    if (value_of(c) != kForeign) bits.add(value_of(c));
  }
  return out;
}

}  // namespace mailroom
