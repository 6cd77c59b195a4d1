#include "libcommon/protocol/smtp/outgoing_content.h"

#include <cstdint>
#include <cstring>

#include "libcommon/text/ascii.h"

namespace mailroom::smtp {
namespace {

bool has_8bit(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::uint64_t seen = 0;
  for (; text.size() >= sizeof seen; text.remove_prefix(sizeof seen)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), sizeof word);
    seen |= word;
  }
  for (const char c : text) seen |= static_cast<unsigned char>(c);
  return (seen & kHighBits) != 0;
}

std::string_view header_of(std::string_view content) {
  if (content.starts_with("\r\n")) return {};
  return content.substr(0, content.find("\r\n\r\n"));
}

}  // namespace

ContentNeeds needs_of(std::string_view content) {
  ChunkWatch watch;
  watch.feed(content);
  ContentNeeds needs{.bare_line_end = watch.has_bare_line_end(), .eight_bit = has_8bit(content)};
  if (needs.eight_bit) needs.eight_bit_header = has_8bit(header_of(content));
  return needs;
}

void DotStuffer::append(std::string_view piece, std::string& out) {
  while (!piece.empty()) {
    if (at_line_start_ && piece.front() == '.') out += '.';
    const std::size_t next = piece.find("\n.");
    const std::string_view lines = piece.substr(0, next == std::string_view::npos ? next : next + 1);
    out += lines;
    at_line_start_ = lines.back() == '\n';
    piece.remove_prefix(lines.size());
  }
}

void DotStuffer::finish(std::string& out) {
  out += at_line_start_ ? ".\r\n" : "\r\n.\r\n";
  at_line_start_ = true;
}

}  // namespace mailroom::smtp
