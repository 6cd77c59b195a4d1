#include <catch2/catch.hpp>

#include <chrono>

#include "libcommon/protocol/imap/list_pattern.h"
#include "libcommon/protocol/imap/mailbox_name.h"
#include "libcommon/protocol/imap/sequence_set.h"

using namespace mailroom::imap;

namespace {

std::string resolved(std::string_view text, std::uint32_t largest) {
  Scanner in{text};
  const SequenceSet set = SequenceSet::parse(in);
  in.end();
  return in.ok() ? render(set.resolve(largest)) : "refused";
}

bool matches(std::string_view pattern, std::string_view name) {
  return ListPattern{pattern, '/'}.matches(name);
}

}  // namespace

TEST_CASE("sequence sets in canonical form") {
  CHECK(resolved("1", 10) == "1");
  CHECK(resolved("3,1,2", 10) == "1:3");
  CHECK(resolved("5:2", 10) == "2:5");
  CHECK(resolved("*:8", 10) == "8:10");
  CHECK(resolved("*", 10) == "10");
  CHECK(resolved("12:*", 10) == "10:12");
  CHECK(resolved("*", 0) == "");
  CHECK(resolved("1:*", 0) == "1");
  CHECK(resolved("1:4294967295", 10) == "1:10");
  CHECK(resolved("4294967294:4294967295", 4294967295U) == "4294967294:4294967295");
  CHECK(resolved("1,1,1,1:2,2", 10) == "1:2");
  for (const char* bad : {"", "0", "1:", ":1", "1,", ",1", "a", "1:2:3", "4294967296", "-1", "1 2", "**"}) {
    INFO(bad);
    CHECK(resolved(bad, 10) == "refused");
  }
}

TEST_CASE("number ranges") {
  const NumberRanges ranges{{2, 4}, {8, 8}};
  CHECK_FALSE(contains(ranges, 1));
  CHECK(contains(ranges, 2));
  CHECK(contains(ranges, 4));
  CHECK_FALSE(contains(ranges, 5));
  CHECK(contains(ranges, 8));
  CHECK_FALSE(contains({}, 1));
  NumberRanges built;
  for (const std::uint32_t n : {1, 2, 3, 5, 6, 9}) append_number(built, n);
  CHECK(render(built) == "1:3,5:6,9");
}

TEST_CASE("modified UTF-7 both ways") {
  const std::pair<const char*, const char*> names[] = {
      {"INBOX", "INBOX"},
      {"R&-D", "R&D"},
      {"Entw&APw-rfe", "Entw\xc3\xbcrfe"},
      {"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
       "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
      {"&2D3eAA-", "\xf0\x9f\x98\x80"},
  };
  for (const auto& [wire, utf8] : names) {
    INFO(wire);
    CHECK(decode_mailbox_name(wire) == utf8);
    CHECK(encode_mailbox_name(utf8) == wire);
  }
}

TEST_CASE("one name has one spelling") {
  for (const char* bad :
       {"&AC8-etc", "&AAA-", "&", "&abc", "a\x7f", "a\xc3\xbc", "x\r\ny", "&AP-", "&APw", "&APw-&APw-",
        "&APx-", "&2D0-", "&3gA-", "&3gDYPQ-", "&AGE-", "&A-", "&!-", "&AIA-"}) {
    INFO(bad);
    CHECK_FALSE(decode_mailbox_name(bad));
  }
  CHECK(encode_mailbox_name("\xff") == "&,,0-");
}

TEST_CASE("LIST patterns") {
  CHECK(matches("*", "a/b/c"));
  CHECK(matches("%", "a"));
  CHECK_FALSE(matches("%", "a/b"));
  CHECK(matches("%/%", "a/b"));
  CHECK(matches("a*c", "a/b/c"));
  CHECK_FALSE(matches("a%c", "a/b/c"));
  CHECK(matches("a%b%c", "axxbyyc"));
  CHECK(matches("*%", "a/b"));
  CHECK(matches("%*", "a/b"));
  CHECK(matches("%%", "ab"));
  CHECK(matches("a*", "a"));
  CHECK_FALSE(matches("a", "ab"));
  CHECK_FALSE(matches("ab", "a"));
  CHECK_FALSE(matches("", "a"));
  CHECK(matches("*a%b", "x/a/ab"));
  CHECK(matches("", ""));
  const std::string longest(kMaxListPattern, 'a');
  CHECK(matches(longest, longest));
}

TEST_CASE("a LIST pattern leads below a name") {
  CHECK(ListPattern("a/%", '/').matches_below("a"));
  CHECK_FALSE(ListPattern("a", '/').matches_below("a"));
  CHECK(ListPattern("*", '/').matches_below("a/b"));
  CHECK_FALSE(ListPattern("%", '/').matches_below("a"));
}

TEST_CASE("LIST matching is linear whatever the pattern") {
  const std::string name(60, 'a');
  const ListPattern pattern{"*a*a*a*a*a*a*a*a*a*a*a*a*a%a*a%a*b", '/'};
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 10000; ++i) REQUIRE_FALSE(pattern.matches(name));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{2});
}
