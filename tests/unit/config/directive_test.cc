#include <catch2/catch.hpp>

#include "libcommon/config/directive.h"
#include "libcommon/config/suggest.h"

using namespace mailroom::config;

namespace {

using Words = std::vector<std::string>;

std::string only_error(std::string_view text) {
  const auto parsed = parse_directives(text, "f");
  REQUIRE(parsed.errors.size() == 1);
  return text_of(parsed.errors.front());
}

}  // namespace

TEST_CASE("a directive is a name and its values on one line") {
  const auto parsed = parse_directives("# first\n\n  domain\ta.test   b.test # both\nx y", "f");
  CHECK(parsed.errors.empty());
  REQUIRE(parsed.directives.size() == 2);
  CHECK(parsed.directives[0].name == "domain");
  CHECK(parsed.directives[0].values == Words{"a.test", "b.test"});
  CHECK(parsed.directives[0].line == 3);
  CHECK(parsed.directives[1].values == Words{"y"});
  CHECK(parsed.directives[1].line == 4);
}

TEST_CASE("quotes hold blanks, comments signs, quotes, backslashes and nothing") {
  const auto parsed = parse_directives("x \"a b\" \"#\" \"\\\"\\\\\" \"\" a#b", "f");
  CHECK(parsed.errors.empty());
  REQUIRE(parsed.directives.size() == 1);
  CHECK(parsed.directives[0].values == Words{"a b", "#", "\"\\", "", "a#b"});
}

TEST_CASE("a wrong line is an error with its file and line") {
  CHECK(only_error("\nhostname") == "f:2: \"hostname\" has no value");
  CHECK(only_error("x \"a") == "f:1: the closing quote is missing");
  CHECK(only_error("x \"a\"b") == "f:1: no space after the closing quote");
  CHECK(only_error("x a\"b") == "f:1: a quote within a word");
  CHECK(only_error("x \"a\\n\"") ==
        "f:1: a backslash within quotes must be followed by a quote or a backslash");
  CHECK(only_error("x a\r\n") == "f:1: a control character");
  CHECK(only_error(std::string_view{"x \0", 3}) == "f:1: a control character");
}

TEST_CASE("all wrong lines are reported, and the others still read") {
  const auto parsed = parse_directives("a\nb c\nd \"\ne f\n", "f");
  CHECK(parsed.errors.size() == 2);
  CHECK(parsed.directives.size() == 2);
}

TEST_CASE("a quoted word reads as itself") {
  for (const std::string word : {"plain", "two words", "#", "", "a\"b", "a\\b", "\\", "\t"}) {
    const auto parsed = parse_directives("x " + quote(word), "f");
    REQUIRE(parsed.directives.size() == 1);
    CHECK(parsed.directives[0].values == Words{word});
  }
}

TEST_CASE("the nearest word is suggested, and nothing when nothing is near") {
  constexpr std::string_view kKnown[] = {"smtpd.command-timeout", "smtpd.data-timeout", "listen"};
  CHECK(nearest("smtpd.comand-timeout", kKnown) == "smtpd.command-timeout");
  CHECK(nearest("smtpd.data_timeout", kKnown) == "smtpd.data-timeout");
  CHECK(nearest("lisen", kKnown) == "listen");
  CHECK(nearest("frobnicate", kKnown).empty());
  CHECK(nearest(std::string(10'000, 'a'), kKnown).empty());
}
