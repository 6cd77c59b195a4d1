#include <catch2/catch.hpp>

#include "libcommon/protocol/rfc5322/date_time.h"
#include "libcommon/protocol/rfc5322/subject.h"

using namespace mailroom::rfc5322;

TEST_CASE("dates of RFC 5322, of its obsolete syntax, and none") {
  const std::pair<const char*, DateTime> good[] = {
      {"Fri, 21 Nov 1997 09:55:06 -0600", {1997, 11, 21, 9, 55, 6, -360}},
      {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 "
       "(Newfoundland Time)",
       {1969, 2, 13, 23, 32, 0, -210}},
      {"21 Nov 97 09:55:06 GMT", {1997, 11, 21, 9, 55, 6, 0}},
      {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", {1997, 11, 21, 9, 55, 6, -360}},
      {"1 Jan 49 0:00 PST", {2049, 1, 1, 0, 0, 0, -480}},
      {"1 Jan 103 00:00:00 Z", {2003, 1, 1, 0, 0, 0, 0}},
      {"31 Dec 2016 23:59:60 +0000", {2016, 12, 31, 23, 59, 60, 0}},
      {"29 FEB 2024 01:02:03", {2024, 2, 29, 1, 2, 3, 0}},
      {"Mon 3 March 2008 10:11:12 +0530", {2008, 3, 3, 10, 11, 12, 330}},
  };
  for (const auto& [text, expected] : good) {
    INFO(text);
    CHECK(parse_date_time(text) == expected);
  }
  for (const auto* bad :
       {"", "Fri", "21 Nov", "32 Jan 2000 00:00 +0000", "29 Feb 2023 00:00 +0000", "0 Jan 2000 00:00 +0000",
        "1 Foo 2000 00:00 +0000", "1 Jan 2000 24:00 +0000", "1 Jan 2000 00:60 +0000",
        "1 Jan 2000 00:00:61 +0000", "1 Jan 1899 00:00 +0000", "1 Jan 2000 00:00 +00000",
        "1 Jan 2000 00:00 +0060", "1 Jan 99999999999999999999 00:00 +0000", "1 Jan 2000 00:00 -", "((((("}) {
    INFO(bad);
    CHECK_FALSE(parse_date_time(bad));
  }
}

TEST_CASE("dates as seconds, days and text") {
  const auto date = parse_date_time("Sun, 22 Nov 2026 01:02:03 +0200").value();
  CHECK(unix_seconds(date) == 1795302123);
  CHECK(written_day(date) == 20779);
  CHECK(format_date_time(date) == "Sun, 22 Nov 2026 01:02:03 +0200");
  CHECK(to_date_time(1795302123, 120) == date);
  CHECK(format_date_time(to_date_time(0)) == "Thu, 1 Jan 1970 00:00:00 +0000");
  CHECK(format_date_time(to_date_time(-1, -90)) == "Wed, 31 Dec 1969 22:29:59 -0130");
  CHECK(to_date_time(INT64_MAX, 600).year == 9999);
  CHECK(to_date_time(INT64_MIN, -600).year == 1900);
}

TEST_CASE("base subjects (RFC 5256 2.1)") {
  const std::tuple<const char*, const char*, bool> cases[] = {
      {"hello", "hello", false},
      {"Re: hello", "hello", true},
      {"RE : hello", "hello", true},
      {"re[2]: hello", "hello", true},
      {"Fwd: Re: Fw[x]: hello  (fwd) ", "hello", true},
      {"[list] hello", "hello", false},
      {"[list] Re: [other] hello", "hello", true},
      {"[only]", "[only]", false},
      {"[a][b]", "[b]", false},
      {"[fwd: Re: x]", "x", true},
      {"[Fwd: [Fwd: x (fwd)]]", "x", true},
      {"Re:", "", true},
      {"Re", "Re", false},
      {"Regards: x", "Regards: x", false},
      {"a\t b\r\n  c", "a b c", false},
      {"[unclosed Re: x", "[unclosed Re: x", false},
      {"", "", false},
  };
  for (const auto& [subject, text, is_reply] : cases) {
    INFO(subject);
    CHECK(base_subject(subject) == BaseSubject{text, is_reply});
  }
}
