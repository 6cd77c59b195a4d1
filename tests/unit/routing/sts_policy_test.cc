// MTA-STS: the TXT record, the policy file, patterns.
#include "libcommon/routing/sts_policy.h"

#include <catch2/catch.hpp>

using namespace mailroom::routing;

TEST_CASE("RFC 8461 3.1: the TXT record") {
  struct Row {
    std::vector<std::string> texts;
    std::string label;  // empty: no policy
  };
  const Row row = GENERATE(values<Row>({
      {{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
      {{"v=STSv1;id=1"}, "1"},
      {{"v=STSv1 ; id=abc"}, "abc"},
      {{"v=STSv1;\tid=abc ; "}, "abc"},
      {{"v=STSv1; id=abc; x-y.z_1=an!extension"}, "abc"},
      {{"v=STSv1; later=first; id=abc"}, "abc"},
      {{"spf2.0/pra", "v=STSv1; id=abc", "v=STSv11; id=x"}, "abc"},
      {{}, ""},
      {{""}, ""},
      {{"v=STSv1"}, ""},
      {{"v=STSv1;"}, ""},
      {{"v=STSv1; id="}, ""},
      {{"v=STSv1; id=a b"}, ""},
      {{"v=STSv1; id=a-b"}, ""},
      {{"v=STSv1; id=123456789012345678901234567890123"}, ""},
      {{"v=STSv1; id=12345678901234567890123456789012"}, "12345678901234567890123456789012"},
      {{"v=STSv1; id=a; id=b"}, ""},
      {{"v=STSv1;; id=a"}, ""},
      {{"v=STSv1; id=a; -x=1"}, ""},
      {{"v=STSv1; id=a; x="}, ""},
      {{"v=STSv1; id=a; x"}, ""},
      {{"V=STSv1; id=a"}, ""},
      {{"v=stsv1; id=a"}, ""},
      {{" v=STSv1; id=a"}, ""},
      {{"v=STSv1 id=a"}, ""},
      {{"v=STSv1; id=a", "v=STSv1; id=a"}, ""},
  }));
  INFO((row.texts.empty() ? "nothing" : row.texts.front()));
  CHECK(sts_label(row.texts).value_or("") == row.label);
}

TEST_CASE("RFC 8461 3.2: the policy file") {
  const auto policy =
      parse_sts_policy("version: STSv1\r\nmode: enforce\r\nmx: mail.Example.com\r\nmx: *.example.net \r\nmx: "
                       "backupmx.example.com\r\nmax_age: 604800\r\n");
  REQUIRE(policy.has_value());
  CHECK(*policy ==
        StsPolicy{StsMode::enforce, {"mail.example.com", "*.example.net", "backupmx.example.com"}, 604800});
  CHECK(parse_sts_policy("version:STSv1\nmode:testing\nmx:a.example\nmax_age:1")->mode == StsMode::testing);
  CHECK(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 86400\n\n") ==
        StsPolicy{StsMode::none, {}, 86400});
}

TEST_CASE(
    "RFC 8461 3.2: unknown fields are left out, of repeated ones the first counts, max_age is bounded") {
  const auto policy =
      parse_sts_policy("max_age: 9999999999\nx-new: *\nmode: testing\nmode: enforce\nversion: STSv1\n"
                       "version: STSv2\nmx: a.example.\nmax_age: 5\n");
  CHECK(policy == StsPolicy{StsMode::testing, {"a.example"}, kMaxStsMaxAge});
}

TEST_CASE("RFC 8461 3.2: what is no policy") {
  struct Row {
    std::string file;
    std::string error;
  };
  const std::string head = "version: STSv1\nmode: enforce\n";
  std::string many = head + "max_age: 1\n";
  for (std::size_t i = 0; i <= kMaxStsMx; ++i) many += "mx: a.example\n";
  const Row row = GENERATE_COPY(values<Row>({
      {"", "not of version STSv1"},
      {"<html>\n", "a line without a colon"},
      {"mode: enforce\nmx: a.example\nmax_age: 1\n", "not of version STSv1"},
      {"version: STSv2\nmode: enforce\nmx: a.example\nmax_age: 1\n", "not of version STSv1"},
      {"version: STSv1\nmx: a.example\nmax_age: 1\n", "no known mode"},
      {"version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 1\n", "no known mode"},
      {head + "max_age: 1\n", "no mx"},
      {head + "mx: a.example\n", "no max_age in seconds"},
      {head + "mx: a.example\nmax_age: -1\n", "no max_age in seconds"},
      {head + "mx: a.example\nmax_age: 12345678901\n", "no max_age in seconds"},
      {head + "mx: a..example\nmax_age: 1\n", "an mx that is no pattern"},
      {head + "mx: a.*.example\nmax_age: 1\n", "an mx that is no pattern"},
      {head + "mx: *\nmax_age: 1\n", "an mx that is no pattern"},
      {head + "mx: *.\nmax_age: 1\n", "an mx that is no pattern"},
      {head + "mx: .example\nmax_age: 1\n", "an mx that is no pattern"},
      {head + "mx: a_b.example\nmax_age: 1\n", "an mx that is no pattern"},
      {head + "mx: 192.0.2.1\nmax_age: 1\n", "an mx that is no pattern"},
      {head + "mx: " + std::string(64, 'a') + ".example\nmax_age: 1\n", "an mx that is no pattern"},
      {many, "too many mx lines"},
      {head + "mx: a.example\nmax_age: 1\n" + std::string(kMaxStsPolicy, '\n'), "too long"},
  }));
  INFO(row.file.substr(0, 100));
  const auto policy = parse_sts_policy(row.file);
  REQUIRE_FALSE(policy.has_value());
  CHECK(policy.error() == row.error);
}

TEST_CASE("RFC 8461 4.1: patterns") {
  CHECK(sts_pattern_matches("mail.example.com", "mail.example.com"));
  CHECK(sts_pattern_matches("mail.example.com", "MAIL.example.COM"));
  CHECK_FALSE(sts_pattern_matches("mail.example.com", "mail2.example.com"));
  CHECK_FALSE(sts_pattern_matches("example.com", "mail.example.com"));
  CHECK(sts_pattern_matches("*.example.com", "mail.example.com"));
  CHECK_FALSE(sts_pattern_matches("*.example.com", "a.mail.example.com"));
  CHECK_FALSE(sts_pattern_matches("*.example.com", "example.com"));
  CHECK_FALSE(sts_pattern_matches("*.example.com", ".example.com"));
  CHECK_FALSE(sts_pattern_matches("*.example.com", ""));
  CHECK(sts_allows({StsMode::enforce, {"a.example", "*.b.example"}, 1}, "x.b.example"));
  CHECK_FALSE(sts_allows({StsMode::enforce, {}, 1}, "a.example"));
}
