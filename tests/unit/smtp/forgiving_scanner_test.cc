#include "libcommon/protocol/smtp/forgiving_scanner.h"

#include <catch2/catch.hpp>
#include <string>

using namespace mailroom::smtp;

namespace {

struct Collected : ContentSink {
  void content(std::string_view piece) override { text += piece; }
  std::string text;
};

struct Result {
  std::string content, rest;
  bool ended = false, bare = false;
};

// Fed in pieces of that size.
Result scan(const std::string& input, std::size_t size) {
  ForgivingScanner scanner;
  Collected sink;
  std::size_t at = 0;
  bool ended = false;
  while (at < input.size() && !ended) {
    const auto step = scanner.feed(std::string_view{input}.substr(at, size), sink);
    at += step.consumed;
    ended = step.ended;
  }
  return {sink.text, input.substr(at), ended, scanner.has_bare_line_end()};
}

}  // namespace

TEST_CASE("a lone LF is a line end, and only CRLF . CRLF the end of data") {
  const std::size_t size = GENERATE(1, 2, 3, 1000);
  CAPTURE(size);
  const auto row = [&](const std::string& input, const std::string& content) {
    const Result result = scan(input + "\r\n.\r\nQUIT", size);
    CAPTURE(input);
    CHECK(result.content == content + "\r\n");
    CHECK(result.ended);
    CHECK(result.rest == "QUIT");
    CHECK_FALSE(result.bare);
  };
  row("a\r\nb", "a\r\nb");
  row("a\nb", "a\r\nb");
  row("a\n\nb\n", "a\r\n\r\nb\r\n");
  row("a\n.\nb", "a\r\n.\r\nb");  // no end of data (SECURITY.md V3)
  row("a\n.\r\nb", "a\r\n.\r\nb");
  row("a\r\n.\nb", "a\r\n\r\nb");  // a dot that was stuffed, and a lone LF after it
  row("a\n..b", "a\r\n..b");       // no dot is taken away after a lone LF
  row("a\r\n..b", "a\r\n.b");
  row("a\r\n.b", "a\r\nb");
}

TEST_CASE("a lone CR is not forgiven") {
  const std::size_t size = GENERATE(1, 2, 1000);
  for (const char* input : {"a\rb\r\n.\r\n", "a\r\r\n.\r\n", ".\rb\r\n.\r\n"}) {
    const Result result = scan(input, size);
    CAPTURE(input);
    CHECK(result.bare);
    CHECK(result.ended);
  }
}

TEST_CASE("an overlong line is seen across lone LFs") {
  ForgivingScanner scanner;
  Collected sink;
  CHECK_FALSE(
      scanner.feed(std::string(kMaxTextLine, 'x') + "\n" + std::string(kMaxTextLine, 'y'), sink).ended);
  CHECK_FALSE(scanner.has_overlong_line());
  CHECK_FALSE(scanner.feed("z", sink).ended);
  CHECK(scanner.has_overlong_line());
}
