#include "libcommon/protocol/imap/frame.h"

#include "libcommon/protocol/imap/limits.h"
#include "libcommon/text/ascii.h"

namespace mailroom::imap {

const FrameLimits kPreauthFrame{kMaxPreauthLines, kMaxPreauthLiteral, kMaxPreauthLiteralOctets,
                                kMaxPreauthLiterals};
const FrameLimits kSessionFrame{kMaxCommandLines, kMaxCommandLiterals, kMaxCommandLiterals, kMaxLiteralCount};

namespace {
constexpr std::string_view kLineEnd = "\r\n";
}

std::optional<LiteralHeader> announced_literal(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  const std::size_t open = line.rfind('{');
  if (open == std::string_view::npos) return std::nullopt;
  std::string_view inside = line.substr(open + 1, line.size() - open - 2);
  LiteralHeader header;
  if (inside.ends_with('+')) {
    header.synchronizing = false;
    inside.remove_suffix(1);
  }
  if (inside.empty() || inside.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const auto size = parse_decimal<std::uint64_t>(inside);
  header.size = size ? *size : UINT64_MAX;
  return header;
}

CommandFrame::Step CommandFrame::add_line(std::string_view line) {
  line_octets_ += line.size();
  if (line_octets_ > limits_.lines) return Step::too_long;
  if (!line.ends_with(kLineEnd) || line.find('\0') != std::string_view::npos) return Step::bad_line;
  const std::string_view content = line.substr(0, line.size() - kLineEnd.size());
  const auto header = announced_literal(content);
  if (!header) {
    text_ += content;
    return Step::complete;
  }
  announced_ = *header;
  header_size_ = line.size() - line.rfind('{');
  text_ += line;
  literal_octets_ =
      literal_octets_ + header->size < literal_octets_ ? UINT64_MAX : literal_octets_ + header->size;
  ++literal_count_;
  return Step::literal;
}

bool CommandFrame::literal_fits() const {
  return announced_.size <= limits_.literal && literal_octets_ <= limits_.literals &&
         literal_count_ <= limits_.literal_count;
}

std::string_view CommandFrame::text_before_literal() const {
  return std::string_view{text_}.substr(0, text_.size() - header_size_);
}

}  // namespace mailroom::imap
