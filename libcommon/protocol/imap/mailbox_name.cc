#include "libcommon/protocol/imap/mailbox_name.h"

#include <array>
#include <cstdint>

#include "libcommon/protocol/imap/limits.h"

namespace mailroom::imap {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
constexpr char32_t kReplacement = 0xFFFD;

constexpr std::array<std::int16_t, 256> make_digit_values() {
  std::array<std::int16_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int16_t>(i);
  }
  return values;
}
constexpr std::array<std::int16_t, 256> kDigitValues = make_digit_values();

constexpr bool is_direct(char32_t c) { return c >= 0x20 && c <= 0x7E; }
constexpr bool is_high_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDBFF; }
constexpr bool is_low_surrogate(char32_t c) { return c >= 0xDC00 && c <= 0xDFFF; }
constexpr bool is_control_point(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

// The UTF-16 units of one shifted run, or nothing when the bits do not come out even.
std::optional<std::u16string> decode_run(std::string_view digits) {
  std::u16string units;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char digit : digits) {
    const int value = kDigitValues[static_cast<unsigned char>(digit)];
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 16) {
      count -= 16;
      units += static_cast<char16_t>(bits >> count);
      bits &= (1U << count) - 1;
    }
  }
  if (units.empty() || count >= 6 || bits != 0) return std::nullopt;
  return units;
}

bool append_run(std::string& out, std::u16string_view units) {
  for (std::size_t i = 0; i < units.size(); ++i) {
    char32_t c = units[i];
    if (is_low_surrogate(c)) return false;
    if (is_high_surrogate(c)) {
      if (++i == units.size() || !is_low_surrogate(units[i])) return false;
      c = 0x10000 + ((c - 0xD800) << 10) + (units[i] - 0xDC00U);
    }
    if (is_direct(c) || is_control_point(c)) return false;
    append_utf8(out, c);
  }
  return true;
}

// The next code point of UTF-8; ill-formed octets one by one as U+FFFD.
char32_t next_code_point(std::string_view& utf8) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(utf8[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : (lead & 0xF0) == 0xE0       ? 3
                             : (lead & 0xF8) == 0xF0       ? 4
                                                           : 0;
  char32_t c = length == 1 ? lead : lead & (0x7F >> length);
  bool whole = length > 0 && length <= utf8.size();
  for (std::size_t i = 1; whole && i < length; ++i) {
    whole = (byte(i) & 0xC0) == 0x80;
    c = (c << 6) | (byte(i) & 0x3F);
  }
  whole = whole && !(length == 3 && (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF))) &&
          !(length == 4 && (c < 0x10000 || c > 0x10FFFF));
  utf8.remove_prefix(whole ? length : 1);
  return whole ? c : kReplacement;
}

// Collects UTF-16 units as digits of modified base 64 until the shift ends.
class ShiftedRun {
 public:
  void add(std::string& out, char32_t c) {
    if (!open_) out += '&';
    open_ = true;
    if (c >= 0x10000) {
      unit(out, 0xD800 + ((c - 0x10000) >> 10));
      unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
    } else {
      unit(out, c);
    }
  }
  void close(std::string& out) {
    if (!open_) return;
    if (count_ > 0) out += kAlphabet[(bits_ << (6 - count_)) & 0x3F];
    out += '-';
    *this = {};
  }

 private:
  void unit(std::string& out, std::uint32_t u) {
    bits_ = (bits_ << 16) | u;
    count_ += 16;
    while (count_ >= 6) {
      count_ -= 6;
      out += kAlphabet[(bits_ >> count_) & 0x3F];
    }
    bits_ &= (1U << count_) - 1;
  }

  bool open_ = false;
  std::uint32_t bits_ = 0;
  int count_ = 0;
};

}  // namespace

std::optional<std::string> decode_mailbox_name(std::string_view text) {
  std::string out;
  bool after_run = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!is_direct(static_cast<unsigned char>(c))) return std::nullopt;
    if (c != '&') {
      out += c;
      after_run = false;
      continue;
    }
    const std::size_t end = text.find('-', i);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(i + 1, end - i - 1);
    if (digits.empty()) {
      out += '&';
    } else {
      const auto units = decode_run(digits);
      if (after_run || !units || !append_run(out, *units)) return std::nullopt;
    }
    after_run = !digits.empty();
    i = end;
  }
  return out;
}

std::string encode_mailbox_name(std::string_view utf8) {
  std::string out;
  ShiftedRun run;
  while (!utf8.empty()) {
    const char32_t c = next_code_point(utf8);
    if (!is_direct(c)) {
      run.add(out, c);
      continue;
    }
    run.close(out);
    out += static_cast<char>(c);
    if (c == '&') out += '-';
  }
  run.close(out);
  return out;
}

std::string parse_mailbox(Scanner& in) {
  const std::string text = in.astring(kMaxMailboxName);
  std::optional<std::string> name = decode_mailbox_name(text);
  if (in.ok() && name) return std::move(*name);
  in.fail("This mailbox name is not valid modified UTF-7", SyntaxError::Kind::cannot);
  return {};
}

}  // namespace mailroom::imap
