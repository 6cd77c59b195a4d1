#include "libcommon/config/directive.h"

#include <fmt/format.h>

#include <expected>

#include "libcommon/text/ascii.h"

namespace mailroom::config {

namespace {

using Word = std::expected<std::string, std::string>;

// Takes a word in double quotes off the front of `line`.
Word take_quoted(std::string_view& line) {
  std::string word;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '"') {
      line.remove_prefix(i + 1);
      if (!line.empty() && !is_blank(line.front()))
        return std::unexpected("no space after the closing quote");
      return word;
    }
    if (line[i] == '\\') {
      if (++i >= line.size() || (line[i] != '"' && line[i] != '\\'))
        return std::unexpected("a backslash within quotes must be followed by a quote or a backslash");
    }
    word += line[i];
  }
  return std::unexpected("the closing quote is missing");
}

Word take_word(std::string_view& line) {
  if (line.front() == '"') return take_quoted(line);
  std::size_t end = 0;
  while (end < line.size() && !is_blank(line[end])) ++end;
  std::string word{line.substr(0, end)};
  line.remove_prefix(end);
  if (word.find('"') != std::string::npos) return std::unexpected("a quote within a word");
  return word;
}

std::expected<std::vector<std::string>, std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  for (const char c : line)
    if (is_control(c) && c != '\t') return std::unexpected("a control character");
  while (true) {
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    if (line.empty() || line.front() == '#') return words;
    auto word = take_word(line);
    if (!word) return std::unexpected(word.error());
    words.push_back(std::move(*word));
  }
}

}  // namespace

std::string text_of(const Error& error) {
  if (error.line == 0) return fmt::format("{}: {}", error.file, error.reason);
  return fmt::format("{}:{}: {}", error.file, error.line, error.reason);
}

ParsedFile parse_directives(std::string_view text, std::string_view file) {
  ParsedFile parsed;
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    auto words = split_words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));

    const auto fail = [&](std::string reason) {
      parsed.errors.push_back({std::string{file}, number, std::move(reason)});
    };
    if (!words)
      fail(words.error());
    else if (words->size() == 1)
      fail(fmt::format("\"{}\" has no value", words->front()));
    else if (!words->empty())
      parsed.directives.push_back({words->front(), {words->begin() + 1, words->end()}, number});
  }
  return parsed;
}

std::string quote(std::string_view word) {
  if (!word.empty() && word.front() != '#' && word.find_first_of(" \t\"") == word.npos)
    return std::string{word};
  std::string quoted = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace mailroom::config
