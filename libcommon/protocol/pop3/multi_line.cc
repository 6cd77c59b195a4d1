#include "libcommon/protocol/pop3/multi_line.h"

#include <algorithm>
#include <cstring>

namespace mailroom::pop3 {
namespace {

// Behind the next CRLF; at the end if there is none.
std::size_t after_line(std::string_view text, std::size_t from) {
  const std::size_t crlf = text.find("\r\n", from);
  return crlf == std::string_view::npos ? text.size() : crlf + 2;
}

}  // namespace

// Only CRLF ends a line: another dot behind a lone LF would change what an exact client gets.
bool DotStuffer::is_line_start(std::size_t at) const {
  return at == 0 || (at >= 2 && message_[at - 1] == '\n' && message_[at - 2] == '\r');
}

// Of the next dot behind `from` that begins a line; `limit` if it is not before that.
std::size_t DotStuffer::next_stuffed_dot(std::size_t from, std::size_t limit) const {
  const char* const begin = message_.data();
  for (std::size_t at = from; at < limit;) {
    const auto* lf = static_cast<const char*>(std::memchr(begin + at, '\n', limit - at));
    if (lf == nullptr) break;
    at = static_cast<std::size_t>(lf - begin) + 1;
    if (at < limit && message_[at] == '.' && is_line_start(at)) return at;
  }
  return limit;
}

void DotStuffer::append_some(std::string& out, std::size_t portion) {
  const std::size_t enough = out.size() + portion;
  while (at_ < message_.size() && out.size() < enough) {
    const std::size_t limit = std::min(message_.size(), at_ + enough - out.size());
    if (message_[at_] == '.' && is_line_start(at_)) out += '.';
    const std::size_t stop = next_stuffed_dot(at_, limit);
    out += message_.substr(at_, stop - at_);
    at_ = stop;
  }
  if (at_ < message_.size()) return;
  out += is_line_start(message_.size()) ? ".\r\n" : "\r\n.\r\n";
  done_ = true;
}

std::size_t top_length(std::string_view message, std::uint64_t lines) {
  const std::size_t empty_line = message.starts_with("\r\n") ? 0 : message.find("\r\n\r\n");
  if (empty_line == std::string_view::npos) return message.size();
  std::size_t end = message.starts_with("\r\n") ? 2 : empty_line + 4;
  while (lines-- > 0 && end < message.size()) end = after_line(message, end);
  return end;
}

}  // namespace mailroom::pop3
