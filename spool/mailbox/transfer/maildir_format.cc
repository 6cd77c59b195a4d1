#include "spool/mailbox/transfer/maildir_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "libcommon/protocol/imap/mailbox_name.h"

namespace mailroom::mailbox {
namespace {

struct FlagLetter {
  char letter;
  Flags flag;
};
// In the order of letters, as names must have them.
constexpr FlagLetter kLetters[] = {
    {'D', kDraft}, {'F', kFlagged}, {'R', kAnswered}, {'S', kSeen}, {'T', kDeleted}};

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::string_view take_word(std::string_view& line) {
  const auto end = line.find(' ');
  const auto word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

std::optional<std::uint32_t> number(std::string_view digits) {
  std::uint32_t value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || stop != digits.data() + digits.size() || value == 0) return std::nullopt;
  return value;
}

// "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1" or "1 1275660208 25022"
bool parse_uid_list_header(std::string_view line, UidList& list) {
  const auto version = take_word(line);
  if (version != "1" && version != "3") return false;
  const bool lettered = version == "3";
  while (!line.empty()) {
    auto word = take_word(line);
    const char letter = lettered && !word.empty() ? word.front() : (list.uid_validity == 0 ? 'V' : 'N');
    if (lettered && !word.empty()) word.remove_prefix(1);
    if (letter == 'V') list.uid_validity = number(word).value_or(0);
    if (letter == 'N') list.uid_next = number(word).value_or(0);
  }
  return list.uid_validity != 0;
}

// "25006 P0000a1 W1500 :1276528487.M364837P9451.host,S=1355,W=1394:2," or, in version 1, "25006
// 1276528487..."
void parse_uid_list_line(std::string_view line, UidList& list) {
  const auto uid = number(take_word(line));
  if (!uid) return;
  UidListEntry entry{.uid = *uid};
  while (!line.empty() && !line.starts_with(':') && line.find(" :") != std::string_view::npos) {
    const auto word = take_word(line);
    if (word.starts_with('P')) entry.uidl = word.substr(1);
  }
  if (line.starts_with(':')) line.remove_prefix(1);
  list.entries.insert_or_assign(parse_maildir_name(line).base, entry);
}

}  // namespace

MaildirName parse_maildir_name(std::string_view name) {
  const auto info = name.find(":2,");
  MaildirName parsed{.base = std::string{name.substr(0, info)}};
  if (info == std::string_view::npos) return parsed;
  for (const char c : name.substr(info + 3)) {
    for (const auto& [letter, flag] : kLetters)
      if (c == letter) parsed.flags |= flag;
    if (c >= 'a' && c <= 'z' && parsed.letters.find(c) == std::string::npos) parsed.letters.push_back(c);
  }
  return parsed;
}

std::string format_maildir_name(const MaildirName& name) {
  std::string letters = name.letters;
  for (const auto& [letter, flag] : kLetters)
    if (name.flags & flag) letters.push_back(letter);
  std::ranges::sort(letters);
  return name.base + ":2," + letters;
}

std::optional<UidList> parse_uid_list(std::string_view text) {
  UidList list;
  if (!parse_uid_list_header(take_line(text), list)) return std::nullopt;
  while (!text.empty()) parse_uid_list_line(take_line(text), list);
  return list;
}

std::string format_uid_list(const UidList& list) {
  std::vector<std::pair<Uid, std::string>> lines;
  for (const auto& [base, entry] : list.entries)
    lines.emplace_back(
        entry.uid, fmt::format("{}{} :{}\n", entry.uid, entry.uidl.empty() ? "" : " P" + entry.uidl, base));
  std::ranges::sort(lines);
  std::string text = fmt::format("3 V{} N{}\n", list.uid_validity, list.uid_next);
  for (const auto& [uid, line] : lines) text += line;
  return text;
}

std::map<char, std::string> parse_keywords(std::string_view text) {
  std::map<char, std::string> keywords;
  while (!text.empty()) {
    auto line = take_line(text);
    const auto index = take_word(line);
    const auto position = index == "0" ? std::optional<std::uint32_t>{0} : number(index);
    if (position && *position < 26 && !line.empty()) keywords[static_cast<char>('a' + *position)] = line;
  }
  return keywords;
}

std::string format_keywords(const std::map<char, std::string>& keywords) {
  std::string text;
  for (const auto& [letter, keyword] : keywords) text += fmt::format("{} {}\n", letter - 'a', keyword);
  return text;
}

std::optional<std::string> folder_of_directory(std::string_view directory) {
  if (!directory.starts_with('.') || directory.size() < 2 || directory[1] == '.') return std::nullopt;
  std::string levels{directory.substr(1)};
  std::ranges::replace(levels, '.', kDelimiter);
  return imap::decode_mailbox_name(levels);
}

std::string directory_of_folder(std::string_view folder) {
  std::string levels = imap::encode_mailbox_name(folder);
  std::ranges::replace(levels, '.', '_');
  std::ranges::replace(levels, kDelimiter, '.');
  return "." + levels;
}

}  // namespace mailroom::mailbox
