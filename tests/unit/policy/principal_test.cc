#include <catch2/catch.hpp>

#include "libcommon/policy/principal.h"

using mailroom::policy::account_by_rule;
using mailroom::policy::wrong_with_principal_rule;

namespace {

std::string account(std::string_view pattern, std::string_view name, std::string_view principal) {
  return account_by_rule(pattern, name, principal).value_or("nobody");
}

}  // namespace

TEST_CASE("a realm is stripped where a rule says so") {
  CHECK(account("*@EXAMPLE.EDU", "*", "alice@EXAMPLE.EDU") == "alice");
  CHECK(account("*@EXAMPLE.EDU", "*", "alice@OTHER.EDU") == "nobody");
  CHECK(account("*@EXAMPLE.EDU", "*", "alice@example.edu") == "nobody");
  CHECK(account("*@EXAMPLE.EDU", "*@example.edu", "alice@EXAMPLE.EDU") == "alice@example.edu");
}

TEST_CASE("case counts: another principal is another person") {
  CHECK(account("*@EXAMPLE.EDU", "*", "Alice@EXAMPLE.EDU") == "nobody");
  CHECK(account("alice@EXAMPLE.EDU", "alice", "ALICE@EXAMPLE.EDU") == "nobody");
}

TEST_CASE("instances are matched as components, one for one") {
  CHECK(account("*@EXAMPLE.EDU", "*", "alice/admin@EXAMPLE.EDU") == "nobody");
  CHECK(account("*/mail@EXAMPLE.EDU", "*", "alice/mail@EXAMPLE.EDU") == "alice");
  CHECK(account("*/mail@EXAMPLE.EDU", "*", "alice/admin@EXAMPLE.EDU") == "nobody");
  CHECK(account("*/mail@EXAMPLE.EDU", "*", "alice@EXAMPLE.EDU") == "nobody");
  CHECK(account("root/admin@EXAMPLE.EDU", "postmaster", "root/admin@EXAMPLE.EDU") == "postmaster");
  CHECK(account("smtp-relay/*@EXAMPLE.EDU", "smtp-relay/*", "smtp-relay/scanner1.example.edu@EXAMPLE.EDU") ==
        "smtp-relay/scanner1.example.edu");
  CHECK(account("*@EXAMPLE.EDU", "*", "alice/@EXAMPLE.EDU") == "nobody");
  CHECK(account("*/mail@EXAMPLE.EDU", "*", "/mail@EXAMPLE.EDU") == "nobody");
}

TEST_CASE("doubled realms, escapes and what no account can be called are nobody") {
  for (const char* principal :
       {"alice@EXAMPLE.EDU@EXAMPLE.EDU", "alice\\@EXAMPLE.EDU@EXAMPLE.EDU", "alice\\/mail@EXAMPLE.EDU",
        "@EXAMPLE.EDU", "alice@", "alice", "", "al ice@EXAMPLE.EDU", "..@EXAMPLE.EDU", "-alice@EXAMPLE.EDU",
        "al\xc3\xaf@EXAMPLE.EDU", "alice\\0@EXAMPLE.EDU", "*@EXAMPLE.EDU", "alice@*"}) {
    CAPTURE(principal);
    CHECK(account("*@EXAMPLE.EDU", "*", principal) == "nobody");
  }
  CHECK(account("*@EXAMPLE.EDU", "*", std::string(2000, 'a') + "@EXAMPLE.EDU") == "nobody");
}

TEST_CASE("what cannot be a rule is told when the configuration is read") {
  CHECK_FALSE(wrong_with_principal_rule("*@EXAMPLE.EDU", "*"));
  CHECK_FALSE(wrong_with_principal_rule("alice@EXAMPLE.EDU", "alice"));
  for (const auto& [pattern, name] : {std::pair{"*", "*"},
                                      {"@EXAMPLE.EDU", "x"},
                                      {"a/@EXAMPLE.EDU", "x"},
                                      {"a*@EXAMPLE.EDU", "x"},
                                      {"*/*@EXAMPLE.EDU", "*"},
                                      {"*@*", "*"},
                                      {"*@EXAMPLE.EDU", "alice"},
                                      {"alice@EXAMPLE.EDU", "*"},
                                      {"*@EXAMPLE.EDU", "../*"},
                                      {"*@EXAMPLE.EDU", "Staff/*"},
                                      {"a@B@C", "x"}}) {
    CAPTURE(pattern, name);
    CHECK(wrong_with_principal_rule(pattern, name));
  }
}
