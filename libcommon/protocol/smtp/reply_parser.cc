#include "libcommon/protocol/smtp/reply_parser.h"

#include <algorithm>
#include <utility>

#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/characters.h"

namespace mailroom::smtp {
namespace {

constexpr std::size_t kCodeDigits = 3;

// 0 for what is no code.  The second digit goes to 9, since servers in use say "471" and "571" (section 4.2
// ends at 5).
std::uint16_t parse_code(std::string_view line) {
  if (line.size() < kCodeDigits || !std::ranges::all_of(line.substr(0, kCodeDigits), is_digit)) return 0;
  if (line[0] < '2' || line[0] > '5') return 0;
  return static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
}

// The length of one to three digits at the start of `text`.
std::size_t short_number(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && digits < 3 && is_digit(text[digits])) ++digits;
  return digits;
}

// The enhanced code (RFC 3463 section 2) that `text` begins with, if it is of this class.
std::string_view enhanced_code(std::string_view text, char reply_class) {
  if (!text.starts_with(reply_class) || reply_class == '3') return {};
  std::size_t at = 1;
  for (int part = 0; part < 2; ++part) {
    if (at >= text.size() || text[at] != '.') return {};
    const std::size_t digits = short_number(text.substr(at + 1));
    if (digits == 0) return {};
    at += 1 + digits;
  }
  return at == text.size() || text[at] == ' ' ? text.substr(0, at) : std::string_view{};
}

std::string printable(std::string_view text) {
  std::string clean{text.substr(0, kMaxReplyText)};
  std::ranges::replace_if(
      clean, [](char c) { return !is_printable(c); }, '?');
  return clean;
}

}  // namespace

const char* words_for(ReplyFault fault) {
  switch (fault) {
  case ReplyFault::bad_code:
    return "a reply without a code";
  case ReplyFault::mixed_codes:
    return "a reply with different codes";
  case ReplyFault::bare_lf:
    return "a reply with a bare LF";
  case ReplyFault::line_too_long:
    return "a reply with an endless line";
  case ReplyFault::too_many_lines:
    return "a reply with too many lines";
  }
  return "";
}

std::string ServerReply::text() const {
  std::string all;
  for (const std::string& line : lines) {
    if (line.empty() || all.size() >= kMaxReplyText) continue;
    if (!all.empty()) all += ' ';
    all += line;
  }
  if (all.size() > kMaxReplyText) all.resize(kMaxReplyText);
  return all;
}

std::expected<ReplyParser::Step, ReplyFault> ReplyParser::feed(std::string_view input) {
  std::size_t consumed = 0;
  for (;;) {
    const std::string_view rest = input.substr(consumed);
    const std::size_t lf = rest.find('\n');
    const std::size_t length = lf == std::string_view::npos ? rest.size() : lf + 1;
    if (begun_.size() + length > kMaxServerLine) return std::unexpected(ReplyFault::line_too_long);
    consumed += length;
    if (lf == std::string_view::npos) {
      begun_ += rest;
      return Step{consumed, false};
    }
    begun_ += rest.substr(0, length);
    const auto line = add_line(begun_);
    begun_.clear();
    if (!line) return std::unexpected(line.error());
    if (*line == Line::last) return Step{consumed, true};
  }
}

// `line` with its LF.
std::expected<ReplyParser::Line, ReplyFault> ReplyParser::add_line(std::string_view line) {
  if (!line.ends_with("\r\n")) return std::unexpected(ReplyFault::bare_lf);
  line.remove_suffix(2);
  if (reply_.lines.size() == kMaxServerLines) return std::unexpected(ReplyFault::too_many_lines);
  const std::uint16_t code = parse_code(line);
  const char after = line.size() > kCodeDigits ? line[kCodeDigits] : ' ';
  if (code == 0 || (after != ' ' && after != '-')) return std::unexpected(ReplyFault::bad_code);
  if (!reply_.lines.empty() && code != reply_.code) return std::unexpected(ReplyFault::mixed_codes);
  std::string_view text = line.substr(std::min(line.size(), kCodeDigits + 1));
  if (const std::string_view enhanced = enhanced_code(text, line.front()); !enhanced.empty()) {
    if (reply_.lines.empty()) reply_.enhanced = enhanced;
    text.remove_prefix(std::min(text.size(), enhanced.size() + 1));
  }
  reply_.code = code;
  reply_.lines.push_back(printable(text));
  return after == '-' ? Line::continued : Line::last;
}

ServerReply ReplyParser::take() { return std::exchange(reply_, {}); }

}  // namespace mailroom::smtp
