// Content on its way out.
#include "libcommon/protocol/smtp/outgoing_content.h"

#include <catch2/catch.hpp>
#include <random>

using namespace mailroom::smtp;

namespace {

std::string on_the_wire(std::string_view content, std::size_t piece) {
  DotStuffer stuffer;
  std::string out;
  for (std::size_t at = 0; at < content.size(); at += piece) stuffer.append(content.substr(at, piece), out);
  stuffer.finish(out);
  return out;
}

// Receivers that see an end of data where there is none by RFC 5321 (SMTP smuggling).
bool sloppy_receiver_is_misled(std::string_view wire) {
  for (const std::string_view end : {"\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r.\n"}) {
    for (std::size_t at = wire.find(end); at != std::string_view::npos; at = wire.find(end, at + 1))
      if (wire.substr(at + end.size()).find_first_not_of('\n') != wire.npos) return true;  // not the true one
  }
  return false;
}

struct Collector : ContentSink {
  std::string bytes;
  void content(std::string_view piece) override { bytes += piece; }
};

}  // namespace

TEST_CASE("dots at line starts are doubled, wherever the pieces end") {
  for (const std::size_t piece : {1, 2, 3, 100}) {
    CHECK(on_the_wire("", piece) == ".\r\n");
    CHECK(on_the_wire(".\r\n", piece) == "..\r\n.\r\n");
    CHECK(on_the_wire("a\r\n..b\r\n.", piece) == "a\r\n...b\r\n..\r\n.\r\n");
    CHECK(on_the_wire("a.b\r\n", piece) == "a.b\r\n.\r\n");
  }
}

TEST_CASE("what content asks for") {
  CHECK_FALSE(needs_of("Subject: x\r\n\r\ntext\r\n").eight_bit);
  CHECK(needs_of("Subject: x\r\n\r\nt\xc3\xa4xt\r\n").eight_bit);
  CHECK_FALSE(needs_of("Subject: x\r\n\r\nt\xc3\xa4xt\r\n").eight_bit_header);
  CHECK(needs_of("Subject: \xc3\xa4\r\n\r\ntext\r\n").eight_bit_header);
  CHECK_FALSE(needs_of("\r\n\xc3\xa4\r\n").eight_bit_header);
  CHECK(needs_of("Subject: \xc3\xa4").eight_bit_header);
  for (const char* bad : {"a\nb\r\n", "a\rb\r\n", "a\r", "\n", "a\r\r\n"}) CHECK(needs_of(bad).bare_line_end);
  CHECK_FALSE(needs_of("a\r\n\r\n").bare_line_end);
  for (std::size_t at = 0; at < 40; ++at) {
    std::string text(40, 'x');
    text[at] = '\x80';
    CHECK(needs_of(text).eight_bit);
  }
}

TEST_CASE("any content is refused, or is one message to every receiver") {
  std::mt19937 random{1};
  constexpr std::string_view kAlphabet = "\r\n.a";
  int sent = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string content;
    for (unsigned i = random() % 12; i > 0; --i) {
      if (random() % 3 == 0)
        content += "\r\n";
      else
        content += kAlphabet[random() % kAlphabet.size()];
    }
    if (needs_of(content).bare_line_end) continue;
    ++sent;
    const std::string wire = on_the_wire(content, 1 + random() % 5);
    REQUIRE_FALSE(sloppy_receiver_is_misled("\r\n" + wire));
    DataScanner honest;
    Collector seen;
    const auto step = honest.feed(wire, seen);
    REQUIRE(step.ended);
    REQUIRE(step.consumed == wire.size());
    REQUIRE_FALSE(honest.has_bare_line_end());
    REQUIRE(seen.bytes.starts_with(content));
    REQUIRE(seen.bytes.size() - content.size() == (content.empty() || content.ends_with("\r\n") ? 0 : 2));
  }
  CHECK(sent > 1000);
}
