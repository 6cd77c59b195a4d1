#include <catch2/catch.hpp>

#include "libcommon/text/ascii.h"
#include "libcommon/text/base64.h"
#include "libcommon/text/hex.h"

using namespace mailroom;

TEST_CASE("ASCII comparison ignores the case of letters only") {
  CHECK(equals_ignoring_case("Content-TYPE", "content-type"));
  CHECK_FALSE(equals_ignoring_case("a@b", "a`b"));
  CHECK_FALSE(equals_ignoring_case("\xc4", "\xe4"));
  CHECK(compare_ignoring_case("abc", "ABD") < 0);
  CHECK(compare_ignoring_case("ab", "ABC") < 0);
  CHECK(compare_ignoring_case("\xff", "a") > 0);
  CHECK(starts_with_ignoring_case("ReSeNt-To", "resent-"));
  CHECK(lower_case("A\xc4Z[") == "a\xc4z[");
  CHECK(upper_case("a{z") == "A{Z");
  CHECK(trim_blanks(" \tx y\t ") == "x y");
  CHECK(trim_blanks(" \t ").empty());
}

TEST_CASE("a decimal number is digits without overflow") {
  CHECK(parse_decimal<std::uint32_t>("4294967295") == 4294967295U);
  CHECK_FALSE(parse_decimal<std::uint32_t>("4294967296"));
  CHECK_FALSE(parse_decimal<std::uint64_t>("18446744073709551616"));
  CHECK(parse_decimal<std::uint64_t>("18446744073709551615") == 18446744073709551615ULL);
  CHECK(parse_decimal<std::uint8_t>("007") == 7);
  for (const auto* bad : {"", "-1", "+1", " 1", "1 ", "0x1", "256"})
    CHECK_FALSE(parse_decimal<std::uint8_t>(bad));
}

TEST_CASE("base64 has one encoding for each string (RFC 4648)") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    CHECK(encode_base64(plain) == coded);
    CHECK(decode_base64(coded) == plain);
  }
  for (const auto* bad :
       {"=", "====", "AA=A", "A===", "Zh==", "Zm9=", "Zg", "Zg=", " Zg==", "Zg==\r\n", "Zm-v", "Zg==Zg=="}) {
    INFO(bad);
    CHECK_FALSE(decode_base64(bad));
  }
}

TEST_CASE("every wrong octet at every place is refused by strict base64 (SECURITY.md V1)") {
  for (std::size_t length = 0; length <= 70; ++length) {
    const std::string good = encode_base64(std::string(length, 'x'));
    REQUIRE(decode_base64(good) == std::string(length, 'x'));
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (const char bad : {'\0', ' ', '-', '_', '\n', '\xff', '.'}) {
        std::string spoilt = good;
        spoilt[at] = bad;
        REQUIRE_FALSE(decode_base64(spoilt));
      }
    }
  }
}

TEST_CASE("lenient base64 takes what a body may hold (RFC 2045 6.8)") {
  CHECK(decode_base64_lenient("Zm9v\r\nYmFy") == "foobar");
  CHECK(decode_base64_lenient("Zg==Zm9v") == "f");
  CHECK(decode_base64_lenient("Zm9vY") == "foo");
  CHECK(decode_base64_lenient("*-\xff").empty());
  CHECK(encode_base64_lines(std::string(58, 'a')).find("\r\n") == 76);
}

TEST_CASE("hexadecimal and xtext") {
  CHECK(encode_hex(std::string_view("\x00\xff\x1a", 3)) == "00ff1a");
  CHECK(decode_hex("00FF1a") == std::string("\x00\xff\x1a", 3));
  CHECK_FALSE(decode_hex("0"));
  CHECK_FALSE(decode_hex("0g"));
  CHECK(encode_xtext("a+b=c d") == "a+2Bb+3Dc+20d");
  CHECK(decode_xtext("a+2Bb+3Dc+20d") == "a+b=c d");
  for (const auto* bad : {"+", "+4", "+4g", "a=b", "a b", "a\r"}) CHECK_FALSE(decode_xtext(bad));
}
