#include "libcommon/policy/address.h"

#include <catch2/catch.hpp>

using namespace mailroom::policy;

TEST_CASE("an address has one form, whatever its spelling") {
  const Address alice{"alice", "example.org"};
  CHECK(parse_address("alice@example.org") == alice);
  CHECK(parse_address("Alice@EXAMPLE.org") == alice);
  CHECK(parse_address("\"alice\"@example.org") == alice);
  CHECK(parse_address("\"al\\ice\"@example.org") == alice);
  CHECK(parse_address("PostMaster") == Address{"postmaster", ""});
}

TEST_CASE("what is not exactly one mailbox is no address") {
  for (const char* bad : {"",
                          "@",
                          "alice",
                          "alice@",
                          "@example.org",
                          "alice@example.org.",
                          "alice@@example.org",
                          "a@b@example.org",
                          "alice@example.org,bob@example.org",
                          "alice@example.org> <bob@example.org",
                          " alice@example.org",
                          "alice@example.org ",
                          "<alice@example.org>",
                          "@example.net:alice@example.org",
                          ".@example.org",
                          "..@example.org",
                          ".alice@example.org",
                          "alice.@example.org",
                          "al ice@example.org",
                          "alice@exa mple.org",
                          "alice@-example.org",
                          "alice@[1.2.3]",
                          "alice@../../x",
                          "\xc0\xaf@example.org"})
    CHECK_FALSE(parse_address(bad));
  CHECK_FALSE(parse_address(std::string_view("alice@example.org\0", 18)));
  CHECK_FALSE(parse_address(std::string_view("\"a\0b\"@example.org", 17)));
  CHECK_FALSE(parse_address("\"a\r\nb\"@example.org"));
  CHECK_FALSE(parse_address(std::string(300, 'a') + "@example.org"));
}

TEST_CASE("routing in a local part is seen through quotes") {
  for (const char* routed : {"v%evil.org@example.org", "evil.org!v@example.org", "\"v@evil.org\"@example.org",
                             "\"v\\@evil.org\"@example.org", "%@example.org"})
    CHECK(asks_for_routing(parse_address(routed).value()));
  CHECK_FALSE(asks_for_routing(parse_address("o'neil+x-y_z/w@example.org").value()));
}

TEST_CASE("an address that an operator may give away has a domain name and no routing") {
  CHECK(may_be_given(parse_address("a@b").value()));
  CHECK_FALSE(may_be_given(parse_address("postmaster").value()));
  CHECK_FALSE(may_be_given(parse_address("a@[192.0.2.1]").value()));
  CHECK_FALSE(may_be_given(parse_address("a%c@b").value()));
}

TEST_CASE("detail is taken off from the right, and never the whole local part") {
  using Forms = std::vector<std::string_view>;
  CHECK(local_part_forms("a+b+c", "+") == Forms{"a+b+c", "a+b", "a"});
  CHECK(local_part_forms("a+b-c", "+-") == Forms{"a+b-c", "a+b", "a"});
  CHECK(local_part_forms("+b", "+") == Forms{"+b"});
  CHECK(local_part_forms("a+", "+") == Forms{"a+", "a"});
  CHECK(local_part_forms("a+b", "") == Forms{"a+b"});
  CHECK(local_part_forms("++", "+") == Forms{"++", "+"});
}

TEST_CASE("an address of one's own, with or without detail") {
  const Address own{"alice", "example.org"};
  CHECK(is_own_or_detail_of({"alice", "example.org"}, own, "+"));
  CHECK(is_own_or_detail_of({"alice+shop", "example.org"}, own, "+"));
  CHECK_FALSE(is_own_or_detail_of({"alice+shop", "example.org"}, own, ""));
  CHECK_FALSE(is_own_or_detail_of({"alicex", "example.org"}, own, "+"));
  CHECK_FALSE(is_own_or_detail_of({"alic", "example.org"}, own, "+"));
  CHECK_FALSE(is_own_or_detail_of({"alice", "example.net"}, own, "+"));
}
