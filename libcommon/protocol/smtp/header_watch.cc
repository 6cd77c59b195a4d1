#include "libcommon/protocol/smtp/header_watch.h"

#include <cstring>

#include "libcommon/protocol/smtp/characters.h"

namespace mailroom::smtp {
namespace {

constexpr std::string_view kName = "RECEIVED";

}  // namespace

void HeaderWatch::feed(std::string_view content) {
  const char* at = content.data();
  const char* const end = at + content.size();
  while (at != end && !over_) {
    const char* const before = at;
    if (at_line_start_ || after_cr_at_line_start_) {
      feed_line_start(*at++);
    } else if (matched_ != kOther) {
      match_name(*at++);
    } else {
      const auto* lf = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      at = lf != nullptr ? lf : end;
      if (lf != nullptr) match_name(*at++);
    }
    octets_ += static_cast<std::size_t>(at - before);
  }
}

void HeaderWatch::feed_line_start(char c) {
  if (after_cr_at_line_start_) {
    over_ = c == '\n';
    after_cr_at_line_start_ = false;
    return;
  }
  at_line_start_ = false;
  after_cr_at_line_start_ = c == '\r';
  matched_ = is_blank(c) ? kOther : 0;
  if (is_blank(c) || c == '\r') return;
  ++fields_;
  match_name(c);
}

// Past the name blanks may precede the colon (RFC 5322 section 4.5.8).
void HeaderWatch::match_name(char c) {
  if (c == '\n') {
    at_line_start_ = true;
  } else if (matched_ < kName.size()) {
    matched_ = to_upper(c) == kName[matched_] ? static_cast<std::uint8_t>(matched_ + 1) : kOther;
  } else if (matched_ == kName.size() && !is_blank(c)) {
    if (c == ':') ++received_;
    matched_ = kOther;
  }
}

}  // namespace mailroom::smtp
