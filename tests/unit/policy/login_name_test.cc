#include "libcommon/policy/login_name.h"

#include <catch2/catch.hpp>

using namespace mailroom::policy;

TEST_CASE("variants of a name have one form") {
  CHECK(canonical_login_name("alice") == "alice");
  CHECK(canonical_login_name("ALICE") == "alice");
  CHECK(canonical_login_name("host/Printer.example.org@EXAMPLE.ORG") ==
        "host/printer.example.org@example.org");
  CHECK(canonical_login_name("a.b+c-d_e/f@g.h") == "a.b+c-d_e/f@g.h");
}

TEST_CASE("spellings that are no name are refused") {
  for (const char* bad :
       {"",     " ",      "alice ",     " alice",   "alice.",    ".alice", "a..b",     "..",
        ".",    "../x",   "a/../b",     "a//b",     "/a",        "a/",     "@",        "a@",
        "@b",   "a@b@c",  "a@../../x",  "a@.b",     "u@../../x", "-froot", "a/-b",     "a\tb",
        "a\nb", "%n%n%s", "' or 1=1--", "*)(uid=*", "a:b",       "a\x7f",  "\xc3\xa4", "\xef\xbd\x81lice",
        "a%b",  "a!b",    "\"a\"",      "a@b/c",    "$(id)"})
    CHECK_FALSE(canonical_login_name(bad));
  CHECK_FALSE(canonical_login_name(std::string_view("a\0b", 3)));
  CHECK_FALSE(canonical_login_name(std::string_view("alice\0", 6)));
  CHECK(canonical_login_name(std::string(kMaxLoginName, 'a')));
  CHECK_FALSE(canonical_login_name(std::string(kMaxLoginName + 1, 'a')));
}

TEST_CASE("the address of a local domain may be used for the name") {
  const std::vector<std::string> domains{"example.org", "cs.example.org"};
  using Names = std::vector<std::string>;
  CHECK(login_candidates("Alice", domains) == Names{"alice"});
  CHECK(login_candidates("alice@Example.org", domains) == Names{"alice@example.org", "alice"});
  CHECK(login_candidates("alice@example.net", domains) == Names{"alice@example.net"});
  CHECK(login_candidates("alice@", domains).empty());
}
