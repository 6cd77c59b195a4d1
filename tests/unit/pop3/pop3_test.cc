#include <catch2/catch.hpp>

#include <string>

#include "libcommon/protocol/pop3/command.h"
#include "libcommon/protocol/pop3/multi_line.h"
#include "libcommon/protocol/pop3/response.h"

using namespace mailroom::pop3;
using namespace std::string_literals;
using namespace std::string_view_literals;

TEST_CASE("a line is a keyword and an argument") {
  const auto check = [](std::string_view line, Verb verb, std::string_view argument) {
    CAPTURE(line);
    const auto command = split_command_line(line);
    REQUIRE(command);
    CHECK(command->verb == verb);
    CHECK(command->argument == argument);
  };
  check("QUIT\r\n", Verb::quit, "");
  check("user a@b\r\n", Verb::user, "a@b");
  check("PASS  two words \r\n", Verb::pass, " two words ");
  check("TOP 1 2\r\n", Verb::top, "1 2");
  check("\r\n", Verb::unknown, "");
  check("APOP x y\r\n", Verb::unknown, "x y");
  check("QUIT\t\r\n", Verb::unknown, "");
}

TEST_CASE("only CRLF ends a line, and no NUL is in it") {
  for (const auto line : {"QUIT\n"sv, "QUIT"sv, "NOOP\rQUIT\r\n"sv, "NOOP\nQUIT\r\n"sv, "QU\0IT\r\n"sv,
                          "PASS a\0b\r\n"sv, ""sv}) {
    CHECK(split_command_line(line).error() == LineFault::framing);
  }
}

TEST_CASE("message numbers") {
  CHECK(parse_message_number("1") == 1U);
  CHECK(parse_message_number("4294967295 ") == 4294967295U);
  for (const auto bad : {"", "0", "-1", "+1", "1x", "1 2", "4294967296", "0x1"})
    CHECK_FALSE(parse_message_number(bad));
}

TEST_CASE("TOP") {
  CHECK(parse_top("3 0")->message == 3);
  CHECK(parse_top("3 10")->lines == 10);
  CHECK(parse_top("3 18446744073709551615"));
  for (const auto bad : {"", "1", "1 ", "0 1", "1 -1", "1 2 3", "1 18446744073709551616"})
    CHECK_FALSE(parse_top(bad));
}

TEST_CASE("AUTH") {
  CHECK(parse_auth("plain")->mechanism == "PLAIN");
  CHECK_FALSE(parse_auth("PLAIN")->initial_response);
  CHECK(parse_auth("PLAIN =")->initial_response == "=");
  for (const auto bad : {"", "PL@IN", "PLAIN a b", "ABCDEFGHIJKLMNOPQRSTU"}) CHECK_FALSE(parse_auth(bad));
}

TEST_CASE("responses are one line of printable ASCII") {
  std::string out;
  append_ok(out, "");
  append_ok(out, "2 messages");
  append_error(out, "IN-USE", "busy\r\n+OK");
  append_error(out, "", "\xc3\xbc");
  CHECK(out == "+OK\r\n+OK 2 messages\r\n-ERR [IN-USE] busy??+OK\r\n-ERR ??\r\n");
  out.clear();
  append_error(out, "AUTH", std::string(1000, 'x'));
  CHECK(out.size() == 512);
}

namespace {

std::string multi_line(std::string_view message, std::size_t portion) {
  DotStuffer stuffer{message};
  std::string all;
  while (!stuffer.is_done()) {
    std::string out;
    stuffer.append_some(out, portion);
    if (out.size() > portion + 6) FAIL("portion of " << out.size());
    all += out;
  }
  return all;
}

}  // namespace

TEST_CASE("dots are stuffed, in portions of every size") {
  const std::pair<std::string, std::string> cases[] = {
      {"", ".\r\n"},
      {".", "..\r\n.\r\n"},
      {"\r\n", "\r\n.\r\n"},
      {".\r\n", "..\r\n.\r\n"},
      {"a\r\n.b\r\n..\r\n.\r\nc\r\n", "a\r\n..b\r\n...\r\n..\r\nc\r\n.\r\n"},
      {"no end", "no end\r\n.\r\n"},
      {"cr\r", "cr\r\r\n.\r\n"},
      {"a\n.b\r.c\r\n", "a\n.b\r.c\r\n.\r\n"},
  };
  for (const auto& [message, expected] : cases) {
    for (std::size_t portion = 1; portion < 40; ++portion) {
      CAPTURE(message, portion);
      CHECK(multi_line(message, portion) == expected);
    }
  }
}

TEST_CASE("TOP shows the header and so many lines") {
  const std::string message = "A: b\r\nC: d\r\n\r\none\r\ntwo\r\nthree";
  const auto top = [&](std::uint64_t lines) { return message.substr(0, top_length(message, lines)); };
  CHECK(top(0) == "A: b\r\nC: d\r\n\r\n");
  CHECK(top(1) == "A: b\r\nC: d\r\n\r\none\r\n");
  CHECK(top(2) == "A: b\r\nC: d\r\n\r\none\r\ntwo\r\n");
  CHECK(top(3) == message);
  CHECK(top(1000) == message);
  CHECK(top(UINT64_MAX) == message);
  CHECK(top_length("\r\nbody\r\n", 0) == 2);
  CHECK(top_length("A: b\r\n", 5) == 6);
  CHECK(top_length("", 5) == 0);
}
