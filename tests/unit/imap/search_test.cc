#include <catch2/catch.hpp>

#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/search.h"

using namespace mailroom::imap;
using Op = SearchStep::Op;

namespace {

std::optional<SearchRequest> parse(std::string_view text) {
  Scanner in{text};
  SearchRequest request = parse_search(in);
  if (!in.ok()) return std::nullopt;
  return request;
}

SyntaxError::Kind kind_of_refusal(std::string_view text) {
  Scanner in{text};
  parse_search(in);
  REQUIRE_FALSE(in.ok());
  return in.error().kind;
}

// Evaluates flags only; whatever reads the message is unknown.
Truth holds(std::string_view text, std::uint8_t flags) {
  const auto request = parse(text);
  REQUIRE(request);
  std::vector<Truth> stack;
  return evaluate(request->steps, stack, [&](const SearchStep& step) {
    if (reads_message(step.op)) return Truth::unknown;
    if (step.op == Op::flag) return (flags & step.number) != 0 ? Truth::yes : Truth::no;
    return step.op == Op::all ? Truth::yes : Truth::no;
  });
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("search keys combine") {
  CHECK(holds("ALL", 0) == Truth::yes);
  CHECK(holds("SEEN", kSeen) == Truth::yes);
  CHECK(holds("UNSEEN", kSeen) == Truth::no);
  CHECK(holds("SEEN DELETED", kSeen) == Truth::no);
  CHECK(holds("OR SEEN DELETED", kSeen) == Truth::yes);
  CHECK(holds("NOT (SEEN DELETED)", kSeen) == Truth::yes);
  CHECK(holds("OR NOT SEEN OR DELETED FLAGGED", kSeen) == Truth::no);
  CHECK(holds("OR NOT SEEN OR DELETED FLAGGED", kSeen | kFlagged) == Truth::yes);
  CHECK(holds("((SEEN) (NOT (NOT DELETED)))", kSeen | kDeleted) == Truth::yes);
  CHECK(holds("NEW", 0) == Truth::no);
  CHECK(holds("OLD", 0) == Truth::yes);
}

TEST_CASE("a dear key is asked only when it matters") {
  CHECK(holds("SEEN BODY x", 0) == Truth::no);
  CHECK(holds("SEEN BODY x", kSeen) == Truth::unknown);
  CHECK(holds("OR SEEN BODY x", kSeen) == Truth::yes);
  CHECK(holds("NOT BODY x", kSeen) == Truth::unknown);
  CHECK(holds("OR (DELETED TEXT x) SEEN", 0) == Truth::no);
}

TEST_CASE("search keys with arguments") {
  const auto from = parse("FROM \"a b\"");
  REQUIRE(from);
  CHECK(from->steps[0].field == "FROM");
  CHECK(from->steps[0].text == "a b");
  CHECK(parse("HEADER X-Y {3}\r\nabc")->steps[0].text == "abc");
  CHECK(parse("CHARSET utf-8 SUBJECT {2}\r\n\xc3\xa4")->steps[0].text == "\xc3\xa4");
  CHECK(parse("LARGER 10")->steps[0].number == 10);
  CHECK(parse("KEYWORD $Junk")->steps[0].text == "$Junk");
  CHECK(parse("MODSEQ 5")->uses_mod_sequence);
  CHECK(parse("MODSEQ \"/flags/\\\\draft\" all 620162338")->steps[0].number == 620162338);
  CHECK(parse("ON 1-Feb-1994")->steps.size() == 5);
  CHECK(parse("SENTSINCE \"1-Feb-1994\"")->steps[0].op == Op::sent_before);
  CHECK(parse("UID 1:* 1:4 NOT 2")->required_sets == std::vector<std::size_t>{0, 1});
}

TEST_CASE("what is no search is refused") {
  for (const char* bad : {"",           "FOO",
                          "(",          ")",
                          "()",         "(SEEN",
                          "SEEN)",      "OR SEEN",
                          "NOT",        "NOT )",
                          "OR (SEEN) ", "FROM",
                          "FROM ",      "BEFORE 30-Feb-2020",
                          "BEFORE x",   "SEEN  SEEN",
                          "LARGER -1",  "CHARSET UTF-8",
                          "HEADER x",   "(OR SEEN) SEEN",
                          "UID",        "UID 0",
                          "MODSEQ x",   "SEEN (",
                          "( SEEN)"}) {
    INFO(bad);
    CHECK_FALSE(parse(bad));
  }
  CHECK(kind_of_refusal("CHARSET KOI8-R ALL") == SyntaxError::Kind::charset);
}

TEST_CASE("depth and length are bounded, without recursion") {
  CHECK(kind_of_refusal(repeated("OR ", 1000000) + "SEEN") == SyntaxError::Kind::limit);
  CHECK(kind_of_refusal(repeated("NOT ", 1000000) + "SEEN") == SyntaxError::Kind::limit);
  CHECK(kind_of_refusal(repeated("(", 1000000)) == SyntaxError::Kind::limit);
  CHECK(kind_of_refusal(repeated("SEEN ", 1000000) + "SEEN") == SyntaxError::Kind::limit);
  CHECK(kind_of_refusal(repeated("BODY x ", 1000) + "SEEN") == SyntaxError::Kind::limit);
  const auto deep = parse(repeated("NOT ", 4000) + "SEEN");
  REQUIRE(deep);
  CHECK(holds(repeated("NOT ", 4000) + "SEEN", kSeen) == Truth::yes);
}
