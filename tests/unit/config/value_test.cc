#include <catch2/catch.hpp>

#include "libcommon/config/value.h"

using namespace mailroom::config;
using namespace std::chrono_literals;

TEST_CASE("times have a unit") {
  CHECK(parse_time("250ms")->milliseconds == 250);
  CHECK(parse_time("5m") == mailroom::Duration{5min});
  CHECK(parse_time("5d") == mailroom::Duration{120h});
  CHECK(parse_time("0s")->milliseconds == 0);
  for (const char* wrong : {"5", "", "m", "-5m", "5 m", "5M", "5mm", "0x5s", "1.5h"})
    CHECK_FALSE(parse_time(wrong));
  CHECK(parse_time("99999999999999999999d").error() == "\"99999999999999999999d\" is too large");
  CHECK(parse_time("200000000000d").error() == "\"200000000000d\" is too large");
}

TEST_CASE("sizes are octets or powers of 1024") {
  CHECK(parse_size("0") == 0U);
  CHECK(parse_size("64K") == 65536U);
  CHECK(parse_size("8G") == 8ULL << 30);
  for (const char* wrong : {"", "K", "1k", "1KB", "-1", "+1", "1 "}) CHECK_FALSE(parse_size(wrong));
}

TEST_CASE("numbers and flags are only that") {
  CHECK(parse_number("42") == 42U);
  for (const char* wrong : {"", "4K", "-1", "four", "4 "}) CHECK_FALSE(parse_number(wrong));
  CHECK(parse_flag("yes") == true);
  CHECK(parse_flag("no") == false);
  CHECK_FALSE(parse_flag("true"));
}

TEST_CASE("values are shown in the largest unit that fits") {
  CHECK(format_size(0) == "0");
  CHECK(format_size(1536) == "1536");
  CHECK(format_size(65536) == "64K");
  CHECK(format_size(50 << 20) == "50M");
  CHECK(format_time(mailroom::Duration{0s}) == "0s");
  CHECK(format_time(mailroom::Duration{1500ms}) == "1500ms");
  CHECK(format_time(mailroom::Duration{90min}) == "90m");
  CHECK(format_time(mailroom::Duration{120h}) == "5d");
}
