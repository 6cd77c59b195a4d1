#include "spool/mailbox/folder_name.h"

#include <algorithm>
#include <cstdint>

#include "libcommon/text/ascii.h"
#include "spool/mailbox/types.h"

namespace mailroom::mailbox {
namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;  // 0: not well-formed
};

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// RFC 3629 section 4.
CodePoint decode_front(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = sequence_length(lead);
  if (length == 0 || length > text.size()) return {};
  if (length == 1) return {lead, 1};
  std::uint32_t value = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if ((octet & 0xC0) != 0x80) return {};
    value = value << 6 | (octet & 0x3F);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLeast[length] || surrogate || value > 0x10FFFF) return {};
  return {value, length};
}

bool is_forbidden(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || c == '*' || c == '%';
}

bool is_allowed_text(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = decode_front(text);
    if (point.length == 0 || is_forbidden(point.value)) return false;
    text.remove_prefix(point.length);
  }
  return true;
}

bool levels_are_allowed(std::string_view name) {
  for (std::size_t depth = 1;; ++depth) {
    const auto end = name.find(kDelimiter);
    if (end == 0 || name.empty() || depth > kMaxFolderDepth) return false;
    if (end == std::string_view::npos) return true;
    name.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<std::string> canonical_folder_name(std::string_view name) {
  if (name.size() > kMaxFolderName || !levels_are_allowed(name) || !is_allowed_text(name))
    return std::nullopt;
  std::string canonical{name};
  if (equals_ignoring_case(name.substr(0, name.find(kDelimiter)), "INBOX")) canonical.replace(0, 5, "INBOX");
  return canonical;
}

bool is_keyword(std::string_view keyword) {
  constexpr std::string_view kSpecials = "(){%*\"\\]";
  const auto allowed = [&](char c) { return is_visible(c) && kSpecials.find(c) == std::string_view::npos; };
  return !keyword.empty() && keyword.size() <= kMaxKeywordLength && std::ranges::all_of(keyword, allowed);
}

std::string_view parent_name(std::string_view name) {
  const auto end = name.rfind(kDelimiter);
  return end == std::string_view::npos ? std::string_view{} : name.substr(0, end);
}

}  // namespace mailroom::mailbox
