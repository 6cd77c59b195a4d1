#include <catch2/catch.hpp>

#include "libcommon/protocol/imap/frame.h"
#include "libcommon/protocol/imap/limits.h"
#include "libcommon/protocol/imap/scanner.h"
#include "libcommon/protocol/imap/writer.h"

using namespace mailroom::imap;
using namespace std::string_literals;

namespace {

std::optional<std::string> astring_of(std::string_view text, std::size_t limit = 100) {
  Scanner in{text};
  std::string value = in.astring(limit);
  in.end();
  if (!in.ok()) return std::nullopt;
  return value;
}

}  // namespace

TEST_CASE("astring is atom, quoted or literal") {
  CHECK(astring_of("abc]") == "abc]");
  CHECK(astring_of(R"("a\"b\\c")") == R"(a"b\c)");
  CHECK(astring_of("{3}\r\na\nb") == "a\nb");
  CHECK(astring_of("{3+}\r\nabc") == "abc");
  CHECK(astring_of("{0}\r\n") == "");
  CHECK(astring_of(R"("")") == "");
  CHECK(astring_of("\"\xc3\xa4\"") == "\xc3\xa4");
}

TEST_CASE("what is no astring is refused") {
  for (const std::string& text : {""s,
                                  "\""s,
                                  "\"abc"s,
                                  "\"abc\\"s,
                                  "\"a\\b\""s,
                                  "\"a\0b\""s,
                                  "\"a\rb\""s,
                                  "{3}\r\nab"s,
                                  "{3}abc"s,
                                  "{}\r\n"s,
                                  "{-1}\r\n"s,
                                  "{4294967296}\r\n"s,
                                  "{18446744073709551616}\r\nx"s,
                                  "{1}\r\n\0"s,
                                  "{1}{1}\r\na"s,
                                  "(a"s,
                                  "a b"s,
                                  "a{1}"s,
                                  "\x80"s,
                                  "a%"s,
                                  "{00000000000000000000000000000001}\n"s}) {
    INFO(text);
    CHECK_FALSE(astring_of(text));
  }
  CHECK_FALSE(astring_of("abcd", 3));
  CHECK_FALSE(astring_of("\"abcd\"", 3));
  CHECK_FALSE(astring_of("{4}\r\nabcd", 3));
}

TEST_CASE("failure is sticky and keeps the first error") {
  Scanner in{"abc 1"};
  in.expect('x');
  REQUIRE_FALSE(in.ok());
  const std::string first = in.error().text;
  CHECK(in.atom().empty());
  CHECK(in.number() == 0);
  CHECK_FALSE(in.skip(' '));
  in.fail("another");
  CHECK(in.error().text == first);
  CHECK(in.at_end());
}

TEST_CASE("numbers") {
  const auto number = [](std::string_view text) {
    Scanner in{text};
    const std::uint32_t value = in.number();
    in.end();
    return in.ok() ? std::optional{value} : std::nullopt;
  };
  CHECK(number("4294967295") == 4294967295U);
  CHECK(number("007") == 7U);
  CHECK_FALSE(number("4294967296"));
  CHECK_FALSE(number("-1"));
  CHECK_FALSE(number(""));
  Scanner modseq{"9223372036854775807"};
  CHECK(modseq.mod_sequence() == 9223372036854775807U);
  Scanner too_large{"9223372036854775808"};
  too_large.mod_sequence();
  CHECK_FALSE(too_large.ok());
}

TEST_CASE("announced literals") {
  CHECK(announced_literal("a LOGIN {5}") == LiteralHeader{5, true});
  CHECK(announced_literal("a LOGIN {5+}") == LiteralHeader{5, false});
  CHECK(announced_literal("{18446744073709551616}")->size == UINT64_MAX);
  CHECK_FALSE(announced_literal("a NOOP"));
  CHECK_FALSE(announced_literal("a {}"));
  CHECK_FALSE(announced_literal("a {+}"));
  CHECK_FALSE(announced_literal("a {-1}"));
  CHECK_FALSE(announced_literal("a 5}"));
  CHECK_FALSE(announced_literal("a {5 }"));
}

TEST_CASE("a frame joins lines and literals") {
  CommandFrame frame{kPreauthFrame};
  REQUIRE(frame.add_line("a LOGIN {3}\r\n") == CommandFrame::Step::literal);
  CHECK(frame.announced() == LiteralHeader{3, true});
  CHECK(frame.text_before_literal() == "a LOGIN ");
  CHECK(frame.literal_fits());
  frame.add_literal("jo");
  frame.add_literal("e");
  REQUIRE(frame.add_line(" {1+}\r\n") == CommandFrame::Step::literal);
  frame.add_literal("x");
  REQUIRE(frame.add_line("\r\n") == CommandFrame::Step::complete);
  CHECK(frame.text() == "a LOGIN {3}\r\njoe {1+}\r\nx");
}

TEST_CASE("a frame keeps its limits") {
  const auto first = [](std::string_view line) { return CommandFrame{kPreauthFrame}.add_line(line); };
  CHECK(first("a NOOP\n") == CommandFrame::Step::bad_line);
  CHECK(first("a NOOP"s) == CommandFrame::Step::bad_line);
  CHECK(first("a N\0OOP\r\n"s) == CommandFrame::Step::bad_line);
  CHECK(first(std::string(kMaxPreauthLines, 'a') + "\r\n") == CommandFrame::Step::too_long);
  CHECK(first("a AUTHENTICATE GSSAPI " + std::string(16'384, 'A') + "\r\n") == CommandFrame::Step::complete);

  CommandFrame large{kPreauthFrame};
  large.add_line("a LOGIN {4097}\r\n");
  CHECK_FALSE(large.literal_fits());
  CommandFrame huge{kSessionFrame};
  huge.add_line("a LOGIN {99999999999999999999}\r\n");
  CHECK_FALSE(huge.literal_fits());

  CommandFrame many{kPreauthFrame};
  for (std::size_t i = 0; i < kMaxPreauthLiterals; ++i) {
    REQUIRE(many.add_line("x {1}\r\n") == CommandFrame::Step::literal);
    REQUIRE(many.literal_fits());
    many.add_literal("y");
  }
  many.add_line("x {1}\r\n");
  CHECK_FALSE(many.literal_fits());
}

TEST_CASE("strings of responses") {
  const auto written = [](auto append, std::string_view text) {
    std::string out;
    append(out, text);
    return out;
  };
  CHECK(written(append_string, R"(a"b\c)") == R"("a\"b\\c")");
  CHECK(written(append_string, "a\r\nb") == "{4}\r\na\r\nb");
  CHECK(written(append_string, "\xc3\xa4") == "{2}\r\n\xc3\xa4");
  CHECK(written(append_astring, "INBOX") == "INBOX");
  CHECK(written(append_astring, "nil") == "\"nil\"");
  CHECK(written(append_astring, "") == "\"\"");
  CHECK(written(append_mailbox, "Entw\xc3\xbcrfe/a b") == "\"Entw&APw-rfe/a b\"");
}
