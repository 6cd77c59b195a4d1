#include <catch2/catch.hpp>

#include <string>

#include "libcommon/protocol/smtp/command.h"

using namespace mailroom::smtp;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

unsigned mail_code(std::string_view argument) {
  const auto taken = parse_mail(argument);
  return taken ? 250 : taken.error().code;
}

unsigned rcpt_code(std::string_view argument, Smtputf8 smtputf8 = Smtputf8::no) {
  const auto taken = parse_rcpt(argument, smtputf8);
  return taken ? 250 : taken.error().code;
}

}  // namespace

TEST_CASE("a line is a verb and an argument") {
  const auto check = [](std::string_view line, Verb verb, std::string_view argument) {
    CAPTURE(line);
    const auto command = split_command_line(line);
    REQUIRE(command);
    CHECK(command->verb == verb);
    CHECK(command->argument == argument);
  };
  check("NOOP\r\n", Verb::noop, "");
  check("nOoP \t \r\n", Verb::noop, "");
  check("MAIL FROM:<a@b> SIZE=1\r\n", Verb::mail, "FROM:<a@b> SIZE=1");
  check("EHLO   x  y\r\n", Verb::ehlo, "x  y");
  check("STARTTLS\r\n", Verb::starttls, "");
  check("\r\n", Verb::unknown, "");
  check(" NOOP\r\n", Verb::unknown, "NOOP");
  check("NOOPS\r\n", Verb::unknown, "");
  check("XCLIENT a=b\r\n", Verb::unknown, "a=b");
  check("MAIL\tFROM:<a@b>\r\n", Verb::unknown, "");
}

TEST_CASE("only CRLF ends a line, and no NUL is in it") {
  for (const auto line : {"NOOP\n"sv, "NOOP\r"sv, "NOOP"sv, ""sv, "NOOP\nRSET\r\n"sv, "NOOP\rRSET\r\n"sv,
                          "NO\0OP\r\n"sv, "NOOP\r\r\n"sv, "\n"sv, "NOOP\0\r\n"sv}) {
    CHECK(split_command_line(line).error() == LineFault::framing);
  }
}

TEST_CASE("MAIL") {
  const auto taken = parse_mail("FROM:<a@b> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By AUTH=<>");
  REQUIRE(taken);
  CHECK(taken->reverse_path->text() == "a@b");
  CHECK(taken->size == 1000);
  CHECK(taken->body == Body::eight_bit_mime);
  CHECK(taken->smtputf8);
  CHECK_FALSE(taken->requiretls);
  CHECK(parse_mail("FROM:<> requiretls")->requiretls);
  CHECK(taken->ret == Ret::headers);
  CHECK(taken->envid == "x+2By");
  CHECK_FALSE(parse_mail("from:<>")->reverse_path);
  CHECK(mail_code("FROM: <a@b>") == 250);
  CHECK(mail_code("FROM:<a@b> body=7bit ret=full") == 250);
  CHECK(mail_code("FROM:<a@b> AUTH=a+40b") == 250);
}

TEST_CASE("MAIL that is refused") {
  for (const auto argument : {"",
                              "FROM",
                              "FROM:",
                              "FROM:a@b",
                              "TO:<a@b>",
                              "FROM :<a@b>",
                              "FROM:<a@b>SIZE=1",
                              "FROM:<a@b> SIZE",
                              "FROM:<a@b> SIZE=",
                              "FROM:<a@b> SIZE=-1",
                              "FROM:<a@b> SIZE=+1",
                              "FROM:<a@b> SIZE=1k",
                              "FROM:<a@b> SIZE=18446744073709551616",
                              "FROM:<a@b> SIZE=9223372036854775808",
                              "FROM:<a@b> SIZE=000000000000000000001",
                              "FROM:<a@b> SIZE=1 SIZE=2",
                              "FROM:<a@b> BODY=BINARYMIME",
                              "FROM:<a@b> BODY",
                              "FROM:<a@b> SMTPUTF8=x",
                              "FROM:<a@b> RET=BOTH",
                              "FROM:<a@b> ENVID=a=b",
                              "FROM:<a@b> ENVID=a+0A",
                              "FROM:<a@b> AUTH=a+0D+0AX-Evil:1",
                              "FROM:<a@b> AUTH=nobody",
                              "FROM:<a@b> AUTH",
                              "FROM:<a@b> =x",
                              "FROM:<a@b> X-Y=\x01",
                              "FROM:<a@b> -X",
                              "FROM:<a@b>\tSIZE=1"}) {
    CAPTURE(argument);
    CHECK(mail_code(argument) == 501);
  }
  CHECK(mail_code("FROM:<a@b> SIZE=9223372036854775807") == 250);
  CHECK(mail_code("FROM:<a@b> MT-PRIORITY=3") == 555);
  CHECK(mail_code("FROM:<a@b> NOTIFY=NEVER") == 555);
  CHECK(mail_code("FROM:<\xc3\xbc@b>") == 553);
  CHECK(mail_code("FROM:<\xc3\xbc@b> SMTPUTF8") == 250);
  CHECK(mail_code("FROM:<a@b> ENVID=" + std::string(101, 'x')) == 501);
  CHECK(mail_code("FROM:<" + std::string(255 << 10, 'x')) == 501);
}

TEST_CASE("RCPT") {
  const auto taken = parse_rcpt("TO:<u@x> NOTIFY=SUCCESS,delay ORCPT=rfc822;u@x", Smtputf8::no);
  REQUIRE(taken);
  CHECK(taken->forward_path.text() == "u@x");
  CHECK(taken->notify == (kNotifySuccess | kNotifyDelay));
  CHECK(taken->orcpt == "rfc822;u@x");
  CHECK(parse_rcpt("TO:<u@x> NOTIFY=NEVER", Smtputf8::no)->notify == kNotifyNever);
  CHECK(rcpt_code("TO:<Postmaster>") == 250);
  CHECK(rcpt_code("TO:<\xc3\xbc@b>") == 553);
  CHECK(rcpt_code("TO:<\xc3\xbc@b>", Smtputf8::yes) == 250);
  CHECK(rcpt_code("TO:<u@x> SIZE=1") == 555);
}

TEST_CASE("RCPT that is refused") {
  for (const auto argument :
       {"TO:<u@local>,<w@evil.org>", "TO:<u@local> <w@evil.org>", "TO:u@x", "TO:< u@x>", "TO:<u@x.>", "TO:<>",
        "TO:<v@evil.org@local>", "TO:<v@local,w@evil.org>", "TO:<postmaster%evil.org>", "TO:<@x>",
        "TO:<u@x> NOTIFY=NEVER,SUCCESS", "TO:<u@x> NOTIFY=", "TO:<u@x> NOTIFY=SUCCESS,",
        "TO:<u@x> NOTIFY=ALWAYS", "TO:<u@x> ORCPT=rfc822;a+0Aroot+00", "TO:<u@x> ORCPT=rfc822",
        "TO:<u@x> ORCPT"}) {
    CAPTURE(argument);
    CHECK(rcpt_code(argument) == 501);
  }
}

TEST_CASE("BDAT") {
  CHECK(parse_bdat("0")->size == 0);
  CHECK(parse_bdat("4294967296")->size == 4294967296U);
  CHECK_FALSE(parse_bdat("86")->last);
  CHECK(parse_bdat("86 LAST")->last);
  CHECK(parse_bdat("0 last")->last);
  for (const auto bad : {"", "LAST", "-1", "+1", "1x", "1 LASTS", "1 LAST x", "99999999999999999999",
                         "9223372036854775808", "000000000000000000000", "0x10"}) {
    CAPTURE(bad);
    CHECK(parse_bdat(bad).error().code == 501);
  }
}

TEST_CASE("AUTH") {
  CHECK(parse_auth("plain")->mechanism == "PLAIN");
  CHECK_FALSE(parse_auth("PLAIN")->initial_response);
  CHECK(parse_auth("PLAIN =")->initial_response == "=");
  CHECK(parse_auth("SCRAM-SHA-256 YWJj")->initial_response == "YWJj");
  for (const auto bad : {"", "PLAIN a b", "PL@IN", "ABCDEFGHIJKLMNOPQRSTU", "PLAIN\x01"})
    CHECK(parse_auth(bad).error().code == 501);
}

TEST_CASE("HELO names") {
  for (const auto good : {"localhost", "mail.example.org", "MY_PC", "host.example.", "[192.0.2.1]",
                          "[IPv6:::1]", "192.0.2.1"}) {
    CHECK(parse_helo(good) == good);
  }
  for (const auto bad : {"", "a b", "x\x1b]0;pwn\x07", "%s%n%n%p", "<script>", "(comment)",
                         "\xc3\xbc.example", "[1.2.3]", "a;b", "\"a\""}) {
    CAPTURE(bad);
    CHECK(parse_helo(bad).error().code == 501);
  }
  CHECK_FALSE(parse_helo(std::string(256, 'a')));
}

TEST_CASE("HTTP is known by its first line") {
  for (const auto line : {"GET / HTTP/1.1\r\n", "POST /x HTTP/1.0\r\n", "CONNECT mail:25 HTTP/1.1\r\n"})
    CHECK(is_http_request(line));
  for (const auto line : {"HELO x\r\n", "GETX\r\n", "get / HTTP/1.1\r\n"}) CHECK_FALSE(is_http_request(line));
}
