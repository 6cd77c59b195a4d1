#include "libcommon/policy/sender_pattern.h"

#include <catch2/catch.hpp>

using namespace mailroom::policy;

TEST_CASE("a pattern allows addresses with details, domains, or anything") {
  const DomainSet local{"example.org", "cs.example.org"};
  const auto allows = [&](const char* pattern, const char* address) {
    return matches_sender_pattern(*parse_address(address), pattern, "+", local);
  };
  CHECK(allows("office@example.org", "Office@Example.org"));
  CHECK(allows("office@example.org", "office+x@example.org"));
  CHECK_FALSE(allows("office@example.org", "office@cs.example.org"));
  CHECK_FALSE(allows("office@example.org", "officer@example.org"));
  CHECK(allows("alice@", "alice@cs.example.org"));
  CHECK_FALSE(allows("alice@", "alice@evil.org"));
  CHECK(allows("@lists.org", "any.list@lists.org"));
  CHECK_FALSE(allows("@lists.org", "any@x.lists.org"));
  CHECK(allows("*", "any@where.org"));
  CHECK_FALSE(allows("", "any@where.org"));
  CHECK_FALSE(allows("lists.org", "any@lists.org"));
}

TEST_CASE("one spelling of each pattern, and only what can be a sender") {
  CHECK(canonical_sender_pattern("Office@Example.ORG") == "office@example.org");
  CHECK(canonical_sender_pattern("@Example.ORG") == "@example.org");
  CHECK(canonical_sender_pattern("*") == "*");
  for (const char* wrong :
       {"", "@", "office", "office@", "*@example.org@", "a%b@example.org", "a@[192.0.2.1]", "@[192.0.2.1]",
        "postmaster", "@example..org", "a b@example.org"}) {
    CAPTURE(wrong);
    CHECK_FALSE(canonical_sender_pattern(wrong));
  }
}
