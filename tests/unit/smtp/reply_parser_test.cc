// Replies of servers, as a client takes them.
#include "libcommon/protocol/smtp/reply_parser.h"

#include <catch2/catch.hpp>
#include <optional>

#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/capabilities.h"

using namespace mailroom::smtp;

namespace {

struct Parsed {
  std::optional<ServerReply> reply;
  std::optional<ReplyFault> fault;
  std::size_t consumed = 0;
};

// In pieces of that size.
Parsed parse(std::string_view input, std::size_t piece) {
  ReplyParser parser;
  Parsed parsed;
  while (parsed.consumed < input.size()) {
    const auto step = parser.feed(input.substr(parsed.consumed, piece));
    if (!step) {
      parsed.fault = step.error();
      return parsed;
    }
    parsed.consumed += step->consumed;
    if (!step->complete) continue;
    parsed.reply = parser.take();
    return parsed;
  }
  return parsed;
}

ServerReply reply(std::string_view input) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
    const Parsed parsed = parse(input, piece);
    REQUIRE(parsed.reply);
    REQUIRE(parsed.consumed == input.size());
  }
  return *parse(input, input.size()).reply;
}

std::optional<ReplyFault> fault(std::string_view input) {
  const auto whole = parse(input, input.size()).fault;
  CHECK(parse(input, 1).fault == whole);
  return whole;
}

}  // namespace

TEST_CASE("a reply has a code, perhaps an enhanced one, and text") {
  CHECK(reply("250 Ok\r\n").code == 250);
  CHECK(reply("250 Ok\r\n").text() == "Ok");
  CHECK(reply("250 Ok\r\n").enhanced.empty());
  const ServerReply refusal = reply("550 5.1.1 No such user\r\n");
  CHECK(refusal.enhanced == "5.1.1");
  CHECK(refusal.text() == "No such user");
  CHECK(refusal.is_refusal());
  CHECK(reply("354 Go\r\n").is_intermediate());
  CHECK(reply("221 Go\r\n").is_positive());
}

TEST_CASE("texts may be missing (SECURITY.md V1)") {
  CHECK(reply("550 5.7.2\r\n").enhanced == "5.7.2");
  CHECK(reply("550 5.7.2\r\n").text().empty());
  CHECK(reply("550\r\n").code == 550);
  CHECK(reply("550 \r\n").text().empty());
  CHECK(reply("550-5.7.2\r\n550 5.7.2\r\n").text().empty());
  CHECK(reply("550-\r\n550 \r\n").lines.size() == 2);
}

TEST_CASE("several lines are one reply") {
  const ServerReply all = reply("550-5.7.1 We do not\r\n550-5.7.1 take\r\n550 5.7.1 this\r\n");
  CHECK(all.lines == std::vector<std::string>{"We do not", "take", "this"});
  CHECK(all.text() == "We do not take this");
}

TEST_CASE("an enhanced code must fit the code") {
  CHECK(reply("250 5.1.1 strange\r\n").enhanced.empty());
  CHECK(reply("250 5.1.1 strange\r\n").text() == "5.1.1 strange");
  CHECK(reply("354 3.0.0 x\r\n").enhanced.empty());
  CHECK(reply("550 5.1 x\r\n").enhanced.empty());
  CHECK(reply("550 5.1.1234 x\r\n").enhanced.empty());
  CHECK(reply("550 5.1.1x y\r\n").enhanced.empty());
  CHECK(reply("550 5.999.999 y\r\n").enhanced == "5.999.999");
}

TEST_CASE("what is no reply") {
  CHECK(fault("55\r\n") == ReplyFault::bad_code);
  CHECK(fault("5500 x\r\n") == ReplyFault::bad_code);
  CHECK(fault("550x\r\n") == ReplyFault::bad_code);
  CHECK(fault("\r\n") == ReplyFault::bad_code);
  CHECK(fault("2\xff"
              "0 ok\r\n") == ReplyFault::bad_code);
  CHECK(fault("150 ok\r\n") == ReplyFault::bad_code);
  CHECK(fault("650 ok\r\n") == ReplyFault::bad_code);
  CHECK(fault("HTTP/1.1 200 OK\r\n") == ReplyFault::bad_code);
  CHECK(fault("250-a\r\n550 b\r\n") == ReplyFault::mixed_codes);
  CHECK(fault("250 ok\n") == ReplyFault::bare_lf);
  CHECK(fault("250 who is\n250 there\r\n") == ReplyFault::bare_lf);
}

TEST_CASE("replies are bounded") {
  const std::string longest = "250 " + std::string(kMaxServerLine - 6, 'x') + "\r\n";
  CHECK(reply(longest).lines[0].size() == kMaxReplyText);
  CHECK(fault("2" + longest) == ReplyFault::line_too_long);
  CHECK(fault("250 " + std::string(100'000, 'x')) == ReplyFault::line_too_long);
  std::string lines;
  for (std::size_t i = 0; i + 1 < kMaxServerLines; ++i) lines += "250-x\r\n";
  CHECK(reply(lines + "250 x\r\n").lines.size() == kMaxServerLines);
  CHECK(fault(lines + "250-x\r\n250 x\r\n") == ReplyFault::too_many_lines);
}

TEST_CASE("what is kept is printable ASCII") {
  CHECK(reply("550-a\x0bX\r\n550 b" + std::string(1, '\0') + "c\rd\x1b[2J\xc3\xbc\t\r\n").text() ==
        "a?X b?c?d?[2J???");
}

TEST_CASE("the next reply is left alone") {
  ReplyParser parser;
  const std::string_view two = "250 one\r\n550 two\r\n";
  const auto first = parser.feed(two);
  REQUIRE(first);
  CHECK(first->complete);
  CHECK(first->consumed == 9);
  CHECK(parser.take().text() == "one");
  const auto second = parser.feed(two.substr(9));
  REQUIRE(second);
  CHECK(parser.take().code == 550);
}

TEST_CASE("capabilities") {
  const auto of = [](std::string_view lines) { return parse_capabilities(reply(lines)); };
  const Capabilities all = of(
      "250-mx.example at your service\r\n250-PIPELINING\r\n250-size 1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
      "250-Chunking\r\n250-DSN\r\n250-STARTTLS\r\n250-REQUIRETLS\r\n250 AUTH PLAIN LOGIN\r\n");
  CHECK(all.pipelining);
  CHECK(all.size);
  CHECK(all.size_limit == 1000);
  CHECK(all.eight_bit_mime);
  CHECK(all.smtputf8);
  CHECK(all.chunking);
  CHECK(all.dsn);
  CHECK(all.starttls);
  CHECK(all.requiretls);
  CHECK(all.auth_plain);
  CHECK(all.auth_login);
  CHECK(of("250 PIPELINING\r\n") == Capabilities{});  // the greeting
  CHECK(of("250-x\r\n250 PIPELININGS\r\n") == Capabilities{});
  CHECK(of("250-x\r\n250 XPIPELINING\r\n") == Capabilities{});
  CHECK(of("250-x\r\n250 AUTH GSSAPI PLAINER\r\n") == Capabilities{});
  for (const char* size : {"SIZE", "SIZE 0", "SIZE -1", "SIZE 99999999999999999999999", "SIZE 1x"}) {
    CAPTURE(size);
    const Capabilities one = of(std::string{"250-x\r\n250 "} + size + "\r\n");
    CHECK(one.size);
    CHECK_FALSE(one.size_limit);
  }
}
