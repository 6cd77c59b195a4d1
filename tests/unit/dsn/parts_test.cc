#include <catch2/catch.hpp>

#include <set>

#include "libcommon/protocol/dsn/advice.h"
#include "libcommon/protocol/dsn/encoding.h"
#include "libcommon/protocol/dsn/notify.h"
#include "libcommon/protocol/smtp/command.h"

using namespace mailroom;
using namespace mailroom::dsn;

TEST_CASE("NOTIFY, RFC 3461 4.1") {
  struct Row {
    std::uint8_t notify;
    bool failed, delayed, success;
  };
  constexpr std::uint8_t n = smtp::kNotifyNever, s = smtp::kNotifySuccess, f = smtp::kNotifyFailure,
                         d = smtp::kNotifyDelay;
  const Row rows[] = {{0, true, true, false},      {n, false, false, false},   {s, false, false, true},
                      {f, true, false, false},     {d, false, true, false},    {s | f, true, false, true},
                      {s | d, false, true, true},  {f | d, true, true, false}, {s | f | d, true, true, true},
                      {n | s, false, false, false}};
  for (const Row& row : rows) {
    CAPTURE(int{row.notify});
    CHECK(is_wanted(row.notify, Action::failed) == row.failed);
    CHECK(is_wanted(row.notify, Action::delayed) == row.delayed);
    CHECK(is_wanted(row.notify, Action::delivered) == row.success);
    CHECK(is_wanted(row.notify, Action::expanded) == row.success);
    CHECK(is_wanted(row.notify, Action::relayed) == row.success);
    CHECK(is_relay_wanted(row.notify, NextHop::takes_no_dsn) == row.success);
    CHECK_FALSE(is_relay_wanted(row.notify, NextHop::takes_dsn));
  }
}

TEST_CASE("advice: the most exact row") {
  CHECK(advice_for("5.1.1").detail == "1.1");
  CHECK(advice_for("4.2.2").detail == "2.2");
  CHECK(advice_for("5.1.10").detail == "1.10");
  CHECK(advice_for("5.7.999").detail == "7");
  CHECK(advice_for("5.0.0").detail == "");
  CHECK(advice_for("5.9.9").detail == "");
  CHECK(advice_for("nonsense").detail == "");
}

TEST_CASE("advice: rows are whole sentences, once each") {
  std::set<std::string_view> seen;
  for (const Advice& row : all_advice()) {
    CAPTURE(row.detail);
    CHECK(seen.insert(row.detail).second);
    CHECK(row.what.ends_with('.'));
    CHECK(row.to_do.ends_with('.'));
    CHECK(is_ascii(row.what));
    CHECK((row.detail.find('.') == std::string_view::npos || is_status("5." + std::string{row.detail})));
  }
}

TEST_CASE("printable text") {
  CHECK(printable("a\tb\r\nc\x7f\xc3\xa4", 100) == "a?b??c???");
  CHECK(printable("abcdefgh", 6) == "abc...");
  CHECK(printable("abcdef", 6) == "abcdef");
  CHECK(printable_utf8("\xc3\xa4\xff\xc2\x85\xe2\x80\xa8\xe2\x80\xae"
                       "b",
                       100) == "\xc3\xa4????b");
  CHECK(printable_utf8("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 6) == "\xc3\xa4...");
}

TEST_CASE("quoted-printable") {
  CHECK(quoted_printable("a=b \r\n\xe4\t\r\n") == "a=3Db=20\r\n=E4=09\r\n");
  CHECK(quoted_printable(std::string(80, 'x')) == std::string(75, 'x') + "=\r\n" + std::string(5, 'x'));
  CHECK(quoted_printable("a\nb\rc") == "a=0Ab=0Dc");
}

TEST_CASE("encoded words") {
  CHECK(encoded_words("plain") == "plain");
  CHECK(encoded_words("=?utf-8?q?x?=") == "=?UTF-8?B?PT91dGYtOD9xP3g/PQ==?=");
  const std::string text = encoded_words(std::string(39, 'x') + "\xc3\xa4");
  CHECK(text == "=?UTF-8?B?eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4?=\r\n =?UTF-8?B?w6Q=?=");
}

TEST_CASE("addresses in utf-8-addr-xtext") {
  CHECK(utf8_address_xtext("a+b=\\\xe2\x82\xac@x") == "a\\x{2B}b\\x{3D}\\x{5C}\\x{20AC}@x");
}

TEST_CASE("folded fields and wrapped text") {
  CHECK(field("A", "b c") == "A: b c\r\n");
  CHECK(field("A", std::string(70, 'x') + " " + std::string(70, 'y') + " z") ==
        "A: " + std::string(70, 'x') + "\r\n " + std::string(70, 'y') + " z\r\n");
  CHECK(wrapped("aa bb cc", "  ", 7) == "  aa bb\r\n  cc\r\n");
  CHECK(wrapped("aaaaaaaaaa b", "", 4) == "aaaaaaaaaa\r\nb\r\n");
}
