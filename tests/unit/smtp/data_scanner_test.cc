#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <vector>

#include "libcommon/protocol/smtp/data_scanner.h"

using namespace mailroom::smtp;
using namespace std::string_literals;

namespace {

struct Collector : ContentSink {
  std::string bytes;
  void content(std::string_view piece) override { bytes += piece; }
};

struct Outcome {
  std::optional<std::size_t> end;  // octets up to and with the end of data
  bool bare = false;
  std::string content;  // of a message that is not bare
  bool operator==(const Outcome&) const = default;
};

// By the words of RFC 5321: the data ends behind the first CRLF "." CRLF (the first CRLF being DATA's own).
Outcome by_definition(const std::string& input) {
  const std::string with_crlf = "\r\n" + input;
  const std::size_t end = with_crlf.find("\r\n.\r\n");
  Outcome outcome;
  if (end != std::string::npos) outcome.end = end + 3;
  const std::string lines = end == std::string::npos ? with_crlf : with_crlf.substr(0, end + 2);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool bare_lf = lines[i] == '\n' && (i == 0 || lines[i - 1] != '\r');
    const bool bare_cr = lines[i] == '\r' && i + 1 < lines.size() && lines[i + 1] != '\n';
    if (bare_lf || bare_cr) outcome.bare = true;
    const bool stuffed = i >= 2 && lines[i] == '.' && lines[i - 1] == '\n' && lines[i - 2] == '\r';
    if (i >= 2 && !stuffed) outcome.content += lines[i];
  }
  if (outcome.bare) outcome.content.clear();
  return outcome;
}

Outcome scan(const std::vector<std::string_view>& pieces) {
  DataScanner scanner;
  Collector sink;
  Outcome outcome;
  std::size_t fed = 0;
  for (const auto piece : pieces) {
    if (piece.empty()) continue;
    const auto step = scanner.feed(piece, sink);
    fed += step.consumed;
    if (step.ended) {
      outcome.end = fed;
      break;
    }
  }
  outcome.bare = scanner.has_bare_line_end();
  if (!outcome.bare) outcome.content = sink.bytes;
  return outcome;
}

void check_all_splits(const std::string& input) {
  const Outcome expected = by_definition(input);
  const std::string_view whole = input;
  for (std::size_t i = 0; i <= whole.size(); ++i) {
    if (scan({whole.substr(0, i), whole.substr(i)}) != expected)
      FAIL("split at " << i << " of " << Catch::Detail::stringify(input));
  }
  std::vector<std::string_view> octets;
  for (std::size_t i = 0; i < whole.size(); ++i) octets.push_back(whole.substr(i, 1));
  CHECK(scan(octets) == expected);
}

const std::vector<std::string> kSequences = {
    "\n.\n",     "\n.\r\n",      "\r\n.\n",      "\r.\r",        "\r.\r\n",           "\r\n.\r",
    "\n.\r",     "\r\r\n.\r\n",  "\r\n\0.\r\n"s, "\r\n.\0\r\n"s, "\r\n .\r\n",        "\r\n.\r\r\n",
    "\n\n.\r\n", "\r\n..\r\n",   "\x0b.\x0b",    "\x85.\x85",    "\xe2\x80\xa8.\r\n", "\r\n.\n.\r\n",
    "\r\n..\n",  "\r\n.\r.\r\n", "\r\n.\r\n",
};

std::string attack(const std::string& sequence) {
  return "Subject: t\r\n\r\nbody" + sequence +
         "MAIL FROM:<evil@b>\r\nRCPT TO:<u@local>\r\nDATA\r\nSubject: evil\r\n\r\nx\r\n.\r\n";
}

}  // namespace

TEST_CASE("every sequence of the smuggling matrix, split at every place") {
  for (const auto& sequence : kSequences) {
    INFO(Catch::Detail::stringify(sequence));
    check_all_splits(attack(sequence));
  }
}

TEST_CASE("a bare CR or LF is found, and does not move the end") {
  for (const auto& sequence : kSequences) {
    if (sequence == "\r\n.\r\n") continue;  // the one true end
    const std::string input = attack(sequence);
    const Outcome outcome = scan({input});
    INFO(Catch::Detail::stringify(sequence));
    const bool ends_in_sequence = sequence == "\r\r\n.\r\n";
    CHECK(outcome.end == (ends_in_sequence ? input.find("MAIL") : input.size()));
  }
}

TEST_CASE("all short strings over the octets that matter, in every split") {
  constexpr std::string_view kAlphabet = "\r\n.x";
  for (std::size_t length = 0; length <= 7; ++length) {
    const std::size_t count = std::size_t{1} << (2 * length);
    for (std::size_t number = 0; number < count; ++number) {
      std::string input;
      for (std::size_t i = 0; i < length; ++i) input += kAlphabet[number >> (2 * i) & 3];
      const Outcome expected = by_definition(input + "\r\n.\r\n");
      const std::string whole = input + "\r\n.\r\n";
      for (std::size_t split = 0; split <= whole.size(); ++split) {
        const std::string_view view = whole;
        if (scan({view.substr(0, split), view.substr(split)}) != expected)
          FAIL(Catch::Detail::stringify(whole) << " split at " << split);
      }
    }
  }
  SUCCEED();
}

TEST_CASE("an end at a buffer's edge") {
  for (const std::size_t edge : {4096U, 16384U}) {
    for (std::size_t before = edge - 6; before <= edge + 2; ++before) {
      const std::string input = std::string(before, 'x') + "\r\n.\r\nQUIT\r\n";
      const std::string_view view = input;
      CHECK(scan({view.substr(0, edge), view.substr(edge)}) == by_definition(input));
    }
  }
}

TEST_CASE("an empty message, and one of dots") {
  CHECK(scan({".\r\n"}) == Outcome{3, false, ""});
  CHECK(scan({"..\r\n...\r\n.\r\n"}) == Outcome{12, false, ".\r\n..\r\n"});
}

TEST_CASE("an overlong line is noticed however it comes") {
  const std::string limit(kMaxTextLine - 2, 'x');
  for (const auto& [line, overlong] : {std::pair{limit, false}, std::pair{limit + "x", true}}) {
    const std::string input = line + "\r\n.\r\n";
    for (const std::size_t piece : {std::size_t{1000}, input.size()}) {
      DataScanner scanner;
      Collector sink;
      for (std::size_t at = 0; at < input.size(); at += piece)
        (void)scanner.feed(std::string_view(input).substr(at, piece), sink);
      CHECK(scanner.has_overlong_line() == overlong);
    }
  }
}

TEST_CASE("chunks are watched across their borders") {
  const auto bare = [](const std::string& content) {
    bool first = true;
    bool found = false;
    for (std::size_t i = 0; i <= content.size(); ++i) {
      ChunkWatch watch;
      watch.feed(std::string_view(content).substr(0, i));
      watch.feed(std::string_view(content).substr(i));
      if (!first) CHECK(watch.has_bare_line_end() == found);
      found = watch.has_bare_line_end();
      first = false;
    }
    return found;
  };
  CHECK_FALSE(bare(""));
  CHECK_FALSE(bare("a\r\n.\r\nb"));
  for (const auto& content : {"a\n"s, "\n"s, "\r"s, "a\r"s, "a\rb\r\n"s, "a\r\r\n"s, "a\r\nb\n\r\n"s}) {
    CAPTURE(content);
    CHECK(bare(content));
  }
  ChunkWatch watch;
  CHECK_FALSE(watch.ends_in_line());
  watch.feed("a\r");
  CHECK(watch.ends_in_line());
  watch.feed("\n");
  CHECK_FALSE(watch.ends_in_line());
}
