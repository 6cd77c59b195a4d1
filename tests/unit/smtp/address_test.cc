#include <catch2/catch.hpp>

#include <string>

#include "libcommon/protocol/smtp/address.h"
#include "libcommon/protocol/smtp/xtext.h"

using namespace mailroom::smtp;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

// The canonical form of a forward-path, or why there is none.
std::string forward(std::string_view path) {
  const auto taken = take_forward_path(path);
  if (!taken) return taken.error() == AddressFault::too_long ? "too long" : "syntax";
  return path.empty() ? taken->text() : "rest: " + std::string(path);
}

}  // namespace

TEST_CASE("a mailbox has one form") {
  CHECK(forward("<user@example.org>") == "user@example.org");
  CHECK(forward("<\"user\"@example.org>") == "user@example.org");
  CHECK(forward("<\"u\\ser\"@example.org>") == "user@example.org");
  CHECK(forward("<\"us er\"@example.org>") == "\"us er\"@example.org");
  CHECK(forward("<\"a\\\"b\\\\\"@example.org>") == "\"a\\\"b\\\\\"@example.org");
  CHECK(forward("<\"v@evil.org\"@local>") == "\"v@evil.org\"@local");
  CHECK(forward("<\"a..b\"@local>") == "\"a..b\"@local");
  CHECK(forward("<\"\"@local>") == "\"\"@local");
  CHECK(forward("<o'neil+tag=x!#$%&*-/?^_`{|}~@local>") == "o'neil+tag=x!#$%&*-/?^_`{|}~@local");
}

TEST_CASE("Postmaster needs no domain") {
  CHECK(forward("<Postmaster>") == "postmaster");
  CHECK(forward("<POSTMASTER>") == "postmaster");
  CHECK(forward("<user>") == "syntax");
}

TEST_CASE("source routes are checked and dropped") {
  CHECK(forward("<@a.example:user@example.org>") == "user@example.org");
  CHECK(forward("<@a,@b:user@example.org>") == "user@example.org");
  for (const auto path : {"<@:u@x>", "<@a;u@x>", "<@a@b:u@x>", "<@a,:u@x>", "<@a u@x>", "<@a>"})
    CHECK(forward(path) == "syntax");
}

TEST_CASE("address literals") {
  CHECK(forward("<u@[192.0.2.1]>") == "u@[192.0.2.1]");
  CHECK(forward("<u@[IPv6:2001:db8::1]>") == "u@[IPv6:2001:db8::1]");
  for (const auto good :
       {"[1.2.3.4]", "[255.255.255.255]", "[IPv6:::]", "[IPv6:::1]", "[ipv6:1::]", "[IPv6:1:2:3:4:5:6:7:8]",
        "[IPv6:::ffff:192.0.2.1]", "[IPv6:1:2:3:4:5:6:1.2.3.4]", "[IPv6:1:2:3:4:5:6:7::]"}) {
    CAPTURE(good);
    CHECK(is_address_literal(good));
  }
  for (const auto bad : {"[]",
                         "[1.2.3]",
                         "[1.2.3.256]",
                         "[1.2.3.4.5]",
                         "[01234.1.1.1]",
                         "[1.2.3.4",
                         "1.2.3.4]",
                         "[1.2.3.4 ]",
                         "[IPv6:]",
                         "[IPv6:1]",
                         "[IPv6:1:2:3:4:5:6:7:8:9]",
                         "[IPv6:1::2::3]",
                         "[IPv6::1:2]",
                         "[IPv6:1:]",
                         "[IPv6:12345::]",
                         "[IPv6:g::]",
                         "[IPv6:1:2:3:4:5:6:7:1.2.3.4]",
                         "[IPv6:1.2.3.4::]",
                         "[IPv6:::::]",
                         "[IPv6:1:2:3:4:5:6:7:8::]",
                         "[x-tag:abc]",
                         "[2001:db8::1]",
                         "[127.1]",
                         "[0x7f.0.0.1]"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_address_literal(bad));
  }
}

TEST_CASE("what is not a path") {
  for (const auto path : {"<>",
                          "<@>",
                          "<a@>",
                          "<@b>",
                          "<a@b",
                          "a@b",
                          "a@b>",
                          "< a@b>",
                          "<a@b >",
                          "<a b@c>",
                          "<a@@b>",
                          "<a@b@c>",
                          "<a..b@c>",
                          "<.a@c>",
                          "<a.@c>",
                          "<.@c>",
                          "<..@c>",
                          "<../../x@c>",
                          "<a@b.>",
                          "<a@.b>",
                          "<a@b..c>",
                          "<a@-b>",
                          "<a@b->",
                          "<a@b_c>",
                          "<a@b,w@c>",
                          "<\"a@b>",
                          "<\"a\\\"@b>",
                          "<\"a\"b@c>",
                          "<a\"b\"@c>",
                          "<a,b@c>",
                          "<a;b@c>",
                          "<a:b@c>",
                          "<(a)@c>",
                          "<a@b(c)>",
                          "<:include:/etc/passwd@local>",
                          "<;touch /tmp/pwn;>",
                          "<${run{/bin/touch\t/tmp/pwn}}@local>",
                          "<() { :;};id@local>",
                          "<root+$(id)@local>",
                          "<postmaster%evil.org>"}) {
    CAPTURE(path);
    CHECK(forward(path) == "syntax");
  }
  CHECK(forward("<v@EVIL.org\0@local>"sv) == "syntax");
  CHECK(forward("<\"a\0b\"@local>"sv) == "syntax");
  CHECK(forward("<\"a\x01\"@local>"sv) == "syntax");
  CHECK(forward("<\"a\x7f\"@local>"sv) == "syntax");
  CHECK(forward("<\"a\\\r\nX: y\"@local>"sv) == "syntax");
}

TEST_CASE("addresses that look like programs and files are only addresses") {
  for (const auto path : {"|/bin/sh@local", "/etc/passwd@local", "-froot@local", "--@local", "a/b@local",
                          "v%evil.org@local", "evil.org!v@local", "`id`@local"}) {
    CHECK(forward("<"s + path + ">") == path);
  }
}

TEST_CASE("lengths") {
  CHECK(forward("<" + std::string(64, 'l') + "@d>") == std::string(64, 'l') + "@d");
  CHECK(forward("<" + std::string(65, 'l') + "@d>") == "too long");
  CHECK(forward("<" + std::string(256, 'l') + "@d>") == "too long");
  const std::string label(63, 'd');
  CHECK(forward("<u@" + label + ">") == "u@" + label);
  CHECK(forward("<u@" + label + "d>") == "syntax");
  const std::string domain = label + "." + label + "." + label;  // 191
  CHECK(forward("<u@" + domain + "." + std::string(60, 'd') + ">") ==
        "u@" + domain + "." + std::string(60, 'd'));
  CHECK(forward("<u@" + domain + "." + std::string(61, 'd') + ">") == "too long");
  CHECK(forward("<u@" + domain + "." + label + ".d>") == "too long");
  std::string_view path;
  const std::string reverse = "<" + std::string(100, 'l') + "@example.org>";
  path = reverse;
  CHECK((*take_reverse_path(path))->local_part.size() == 100);
}

TEST_CASE("the null reverse-path is not a mailbox") {
  std::string_view path = "<> SIZE=1";
  const auto taken = take_reverse_path(path);
  REQUIRE(taken);
  CHECK_FALSE(taken->has_value());
  CHECK(path == " SIZE=1");
}

TEST_CASE("UTF-8 in addresses is well formed") {
  CHECK(forward("<j\xc3\xbcrgen@b\xc3\xbc"
                "cher.example>") == "j\xc3\xbcrgen@b\xc3\xbc"
                                    "cher.example");
  CHECK(parse_mailbox("j\xc3\xbc@x")->is_internationalized());
  CHECK(parse_mailbox("j@\xc3\xbcx")->is_internationalized());
  CHECK_FALSE(parse_mailbox("j@x")->is_internationalized());
  for (const auto path : {"<a\xc0\xaf@x>", "<a\xff@x>", "<a@x\x80>", "<\"a\xed\xa0\x80\"@x>"})
    CHECK(forward(path) == "syntax");
}

TEST_CASE("xtext") {
  CHECK(decode_xtext("abc+2B+3D+20x") == "abc+= x");
  CHECK(decode_xtext("") == "");
  for (const auto bad : {"a=b", "a b", "+", "+2", "+2b", "+G0", "a+0D+0Ab", "+00", "+09", "+1F", "+7F", "+80",
                         "+FF", "\x80", "a\tb"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode_xtext(bad));
  }
  for (int octet = 0; octet < 256; ++octet) {
    const std::string text(1, static_cast<char>(octet));
    const auto back = decode_xtext(encode_xtext(text));
    const bool printable = octet >= 0x20 && octet <= 0x7e;
    CHECK(back.has_value() == printable);
    if (printable) CHECK(back == text);
  }
}

TEST_CASE("original recipients") {
  for (const auto good : {"rfc822;user@example.org", "RFC822;a+2Bb@x", "x400;/c+3Dus", "utf-8;j\\x{FC}rgen@x",
                          "utf-8;j\xc3\xbcrgen@x"}) {
    CAPTURE(good);
    CHECK(is_original_recipient(good));
  }
  for (const auto bad : {"rfc822", "rfc822;", ";a@b", "rf c;a@b", "rfc822;a+0Aroot+00", "rfc822;a b",
                         "utf-8;a\\x{A}b", "utf-8;a\\x{0A}b", "utf-8;\\x{D800}", "utf-8;\\x{110000}",
                         "utf-8;\\x{85}", "utf-8;\\x{", "utf-8;\\y", "utf-8;a+0A", "utf-8;\xc0\xaf"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_original_recipient(bad));
  }
  CHECK(is_original_recipient("rfc822;" + std::string(493, 'a')));
  CHECK_FALSE(is_original_recipient("rfc822;" + std::string(494, 'a')));
}
