#include <catch2/catch.hpp>

#include "libcommon/protocol/rfc5322/authors.h"
#include "libcommon/protocol/rfc5322/header.h"

using namespace mailroom::rfc5322;

TEST_CASE("fields are ranges of the text") {
  const std::string_view text = "Subject : one\r\n two\r\njunk line\r\nTo:\r\n\r\nbody: no field\r\n";
  FieldScanner scanner(text);
  auto field = scanner.next();
  REQUIRE(field);
  CHECK(field->name == "Subject");
  CHECK(field->value == " one\r\n two");
  CHECK(field->lines == "Subject : one\r\n two\r\n");
  CHECK(unfold(field->value) == "one two");
  field = scanner.next();
  REQUIRE(field);
  CHECK(field->name.empty());
  field = scanner.next();
  REQUIRE(field);
  CHECK(field->name == "To");
  CHECK(field->value.empty());
  CHECK_FALSE(scanner.next());
  CHECK_FALSE(scanner.next());
  CHECK(text.substr(scanner.position()) == "body: no field\r\n");
  CHECK(header_size(text) == scanner.position());
}

TEST_CASE("a header may end with the text, in the middle of a line, or be empty") {
  CHECK(header_size("") == 0);
  CHECK(header_size("\r\nbody") == 2);
  CHECK(header_size("A: b\n\nbody") == 6);
  CHECK(header_size("A: b") == 4);
  CHECK(find_field("A: b", "a")->value == " b");
  CHECK_FALSE(find_field("\r\nA: b\r\n", "a"));
  CHECK(unfold(" a\r\n\tb\r") == "a\tb\r");
}

TEST_CASE("hostile names are only names (SECURITY.md V8 11)") {
  const std::string text = "__proto__: x\r\n: empty\r\n" + std::string(10240, 'n') + ": y\r\nna" +
                           std::string(1, '\0') + "me: z\r\n \r\n\r\n";
  const auto fields = index_fields(text);
  REQUIRE(fields.size() == 3);
  CHECK(fields[0].name == "__proto__");
  CHECK(fields[1].name.size() == 10240);
  CHECK(fields[2].name == std::string("na\0me", 5));
}

TEST_CASE("what is indexed is bounded, what is handed out is not") {
  std::string many;
  for (std::size_t i = 0; i < 2 * kMaxFields; ++i) many += "To: a@b\r\n";
  CHECK(index_fields(many).size() == kMaxFields);
  CHECK(select_fields(many, {"to"}, FieldChoice::named).size() == many.size() + 2);
  const auto large = "A: 1\r\nB: " + std::string(kMaxHeaderOctets, 'x') + "\r\nC: 2\r\n";
  CHECK(index_fields(large).size() == 1);
}

TEST_CASE("HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 3501 6.4.5)") {
  const std::string_view header = "From: a\r\nSubject: s\r\n more\r\nfrom: b\r\n\r\n";
  CHECK(select_fields(header, {"FROM", "Date"}, FieldChoice::named) == "From: a\r\nfrom: b\r\n\r\n");
  CHECK(select_fields(header, {"FROM"}, FieldChoice::all_others) == "Subject: s\r\n more\r\n\r\n");
  CHECK(select_fields(header, {"X"}, FieldChoice::named) == "\r\n");
  CHECK(select_fields("From: a", {"from"}, FieldChoice::named) == "From: a\r\n\r\n");
}

TEST_CASE("a header is collected whatever the pieces") {
  const std::string_view message = "A: b\r\n c\r\n\r\nbody";
  for (std::size_t piece = 1; piece <= message.size(); ++piece) {
    HeaderCollector collector;
    auto state = HeaderCollector::State::need_more;
    for (std::size_t at = 0; at < message.size(); at += piece)
      state = collector.feed(message.substr(at, piece));
    CHECK(state == HeaderCollector::State::complete);
    CHECK(collector.header() == "A: b\r\n c\r\n\r\n");
  }
  HeaderCollector small(8);
  CHECK(small.feed("A: b\r\n") == HeaderCollector::State::need_more);
  CHECK(small.feed("C: d\r\n") == HeaderCollector::State::too_long);
  CHECK(small.feed("\r\n") == HeaderCollector::State::too_long);
}

TEST_CASE("who a message says it is from") {
  auto authors =
      from_authors("To: x@y\r\nFrom : \"A, B\" <Ann@Example.org>, bob@[192.0.2.1]\r\n\r\nFrom: c@d\r\n");
  CHECK(authors.unambiguous());
  CHECK(authors.addresses == std::vector<std::string>{"Ann@Example.org", "bob@[192.0.2.1]"});

  authors = from_authors("From: a@b\r\nfrom: c@d\r\n\r\n");
  CHECK(authors.fields == 2);
  CHECK_FALSE(authors.unambiguous());
  CHECK(authors.addresses == std::vector<std::string>{"a@b", "c@d"});

  CHECK_FALSE(from_authors("To: a@b\r\n\r\n").unambiguous());
  CHECK(from_authors("From: \"john doe\"@x\r\n\r\n").addresses.front() == "john doe@x");
  for (const std::string_view bad :
       {"From: \r\n\r\n", "From: a\r\n\r\n", "From: a@b c@d\r\n\r\n", "From: a@b <c@d>\r\n\r\n",
        "From: <a@b> <c@d>\r\n\r\n", "From: a@b (\r\n\r\n", "From: \"x a@b\r\n\r\n", "From: a@b (\\",
        "From: <a@b\r\n\r\n", "From: a@b;\r\n\r\n", "From: g: a@b\r\n\r\n", "From: a@b@c\r\n\r\n",
        "From: <a@b@c>\r\n\r\n", "From: a\x01@b\r\n\r\n", "From: @b\r\n\r\n", "From: <@a:>\r\n\r\n",
        "From: [x] a@b\r\n\r\n"}) {
    INFO(bad);
    CHECK_FALSE(from_authors(bad).unambiguous());
  }
}
