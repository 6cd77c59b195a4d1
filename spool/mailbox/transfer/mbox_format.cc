#include "spool/mailbox/transfer/mbox_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "libcommon/protocol/rfc5322/date_time.h"
#include "libcommon/text/ascii.h"
#include "spool/mailbox/transfer/line_ends.h"

namespace mailroom::mailbox {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto start = text.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos) break;
    text.remove_prefix(start);
    const auto end = std::min(text.find_first_of(" \t\r\n"), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

template <typename T>
bool parse_number(std::string_view digits, T& value) {
  const auto end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  return error == std::errc{} && stop == end && !digits.empty();
}

bool parse_clock(std::string_view text, rfc5322::DateTime& date) {
  if (text.size() != 5 && text.size() != 8) return false;
  if (text[2] != ':' || (text.size() == 8 && text[5] != ':')) return false;
  const bool seconds = text.size() != 8 || parse_number(text.substr(6), date.second);
  return seconds && parse_number(text.substr(0, 2), date.hour) &&
         parse_number(text.substr(3, 2), date.minute) && date.hour < 24 && date.minute < 60 &&
         date.second <= 60;
}

// ---- quoting ----

bool is_from_line_quoted(std::string_view line, std::size_t least_quotes) {
  const auto quotes = line.find_first_not_of('>');
  return quotes != std::string_view::npos && quotes >= least_quotes &&
         line.substr(quotes).starts_with("From ");
}

// ---- the servers' fields ----

void read_status(std::string_view value, Flags& flags) {
  for (const char c : value) {
    if (c == 'R') flags |= kSeen;
    if (c == 'A') flags |= kAnswered;
    if (c == 'F') flags |= kFlagged;
    if (c == 'D') flags |= kDeleted;
    if (c == 'T') flags |= kDraft;
  }
}

void read_base(std::string_view value, MboxMessage& message) {
  const auto words = words_of(value);
  if (words.size() < 2) return;
  if (!parse_number(words[0], message.uid_validity) || !parse_number(words[1], message.last_uid) ||
      message.last_uid == UINT32_MAX)
    message.uid_validity = message.last_uid = 0;
}

// False when the field is part of the message.
bool take_field(std::string_view name, std::string_view value, MboxMessage& message) {
  const auto is = [&](std::string_view known) { return equals_ignoring_case(name, known); };
  if (is("Status") || is("X-Status")) {
    read_status(value, message.flags);
  } else if (is("X-Keywords")) {
    for (const auto word : words_of(value)) message.keywords.emplace_back(word);
  } else if (is("X-UID")) {
    Uid uid = 0;
    if (const auto words = words_of(value); !words.empty() && parse_number(words[0], uid) && uid != 0)
      message.uid = uid;
  } else if (is("X-UIDL")) {
    if (const auto words = words_of(value); !words.empty()) message.uidl = words[0];
  } else if (is("X-IMAP") || is("X-IMAPbase")) {
    read_base(value, message);
    message.is_folder_data = is("X-IMAP");
  } else {
    return false;
  }
  return true;
}

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
  text.remove_prefix(line.size());
  return line;
}

// The line that ends a header, with LF, or with CRLF as in files of elsewhere.
bool begins_with_empty_line(std::string_view text) {
  return text.starts_with('\n') || text.starts_with("\r\n");
}

// One header field with its continuation lines.
std::string_view take_whole_field(std::string_view& text) {
  const std::string_view start = text;
  take_line(text);
  while (text.starts_with(' ') || text.starts_with('\t')) take_line(text);
  return start.substr(0, start.size() - text.size());
}

// Takes the servers' fields out of the header; `raw` has LF.
MboxMessage parse_message(std::string_view raw, std::int64_t date) {
  MboxMessage message{.date = date};
  std::string kept;
  while (!raw.empty() && !begins_with_empty_line(raw)) {
    const auto field = take_whole_field(raw);
    const auto colon = field.find(':');
    if (colon == std::string_view::npos ||
        !take_field(field.substr(0, colon), field.substr(colon + 1), message))
      kept.append(field);
  }
  message.content = to_wire(kept.append(raw));
  return message;
}

}  // namespace

std::optional<std::int64_t> parse_from_line(std::string_view line) {
  if (!line.starts_with("From ")) return std::nullopt;
  const auto words = words_of(line);
  // The weekday begins the date; the sender before it may hold spaces.
  for (std::size_t i = 1; i + 4 < words.size(); ++i) {
    if (std::ranges::find(kDays, words[i]) == kDays.end()) continue;
    const auto month = std::ranges::find(kMonths, words[i + 1]);
    rfc5322::DateTime date;
    if (month == kMonths.end() || !parse_number(words[i + 2], date.day) || !parse_clock(words[i + 3], date))
      continue;
    date.month = static_cast<unsigned>(month - kMonths.begin()) + 1;
    // Between clock and year there may be a zone name.
    const bool year = parse_number(words[i + 4], date.year) ||
                      (i + 5 < words.size() && parse_number(words[i + 5], date.year));
    if (year && date.year >= 1970 && date.year <= 9999 && date.day >= 1 && date.day <= 31)
      return rfc5322::unix_seconds(date);
  }
  return std::nullopt;
}

std::optional<MboxMessage> MboxParser::add_line(std::string_view line) {
  const auto date = after_blank_ ? parse_from_line(line) : std::nullopt;
  if (date) {
    auto ended = finish();
    in_message_ = true;
    date_ = *date;
    after_blank_ = false;
    return ended;
  }
  const bool blank = line.empty() || line == "\r";
  if (!in_message_) {
    no_mbox_ = no_mbox_ || !blank;
    return std::nullopt;
  }
  if (is_from_line_quoted(line, 1)) line.remove_prefix(1);
  raw_.append(line).push_back('\n');
  after_blank_ = blank;
  return std::nullopt;
}

std::optional<MboxMessage> MboxParser::finish() {
  if (!in_message_) return std::nullopt;
  // The empty line before the next From belongs to the file, not to the message.
  if (raw_.ends_with("\n\r\n")) {
    raw_.resize(raw_.size() - 2);
  } else if (raw_.ends_with("\n\n")) {
    raw_.pop_back();
  }
  in_message_ = false;
  return parse_message(std::exchange(raw_, {}), date_);
}

namespace {

std::string from_line(const MboxMessage& message) {
  const auto date = rfc5322::to_date_time(message.date);
  const auto day =
      static_cast<std::size_t>((rfc5322::written_day(date) % 7 + 11) % 7);  // 1970-01-01 was a Thursday
  return fmt::format("From MAILER-DAEMON {} {} {:2} {:02}:{:02}:{:02} {}\n", kDays[day],
                     kMonths[date.month - 1], date.day, date.hour, date.minute, date.second, date.year);
}

std::string server_fields(const MboxMessage& message) {
  std::string fields;
  if (message.uid_validity != 0)
    fields += fmt::format("X-IMAPbase: {:010} {:010}\n", message.uid_validity, message.last_uid);
  if (message.uid) fields += fmt::format("X-UID: {}\n", *message.uid);
  if (!message.uidl.empty()) fields += fmt::format("X-UIDL: {}\n", message.uidl);
  fields += fmt::format("Status: {}O\n", message.flags & kSeen ? "R" : "");
  std::string status;
  if (message.flags & kAnswered) status += 'A';
  if (message.flags & kFlagged) status += 'F';
  if (message.flags & kDeleted) status += 'D';
  if (message.flags & kDraft) status += 'T';
  if (!status.empty()) fields += "X-Status: " + status + "\n";
  if (!message.keywords.empty()) fields += fmt::format("X-Keywords: {}\n", fmt::join(message.keywords, " "));
  return fields;
}

void append_quoted(std::string& out, std::string_view local) {
  while (!local.empty()) {
    const auto line = take_line(local);
    if (is_from_line_quoted(line, 0)) out.push_back('>');
    out.append(line);
  }
  if (!out.ends_with('\n')) out.push_back('\n');
}

// Where the header ends: at its empty line, or at the end of a message that has no body.
std::size_t header_end(std::string_view local) {
  std::string_view rest = local;
  while (!rest.empty() && !begins_with_empty_line(rest)) take_line(rest);
  return local.size() - rest.size();
}

}  // namespace

std::string format_mbox_message(const MboxMessage& message) {
  const std::string local = to_local(message.content);
  const std::size_t end = header_end(local);
  std::string out = from_line(message);
  append_quoted(out, std::string_view{local}.substr(0, end));
  out += server_fields(message);
  append_quoted(out, std::string_view{local}.substr(end));
  return out.append("\n");
}

}  // namespace mailroom::mailbox
