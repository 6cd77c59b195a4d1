#include "libcommon/policy/certificate_rule.h"

#include <catch2/catch.hpp>

using namespace mailroom::policy;

namespace {

constexpr auto kEmail = CertificateField::email, kDns = CertificateField::dns,
               kFingerprint = CertificateField::fingerprint;

std::string problem_of(CertificateField field, std::string_view pattern, std::string_view account) {
  std::string problem;
  const bool made = make_certificate_rule(field, pattern, account, problem).has_value();
  CHECK(made == problem.empty());
  return problem;
}

CertificateRule rule(CertificateField field, std::string_view pattern, std::string_view account) {
  std::string problem;
  const auto made = make_certificate_rule(field, pattern, account, problem);
  INFO(problem);
  REQUIRE(made);
  return *made;
}

const std::string kDigits(64, 'a');

using Accounts = std::vector<std::string>;

Accounts by_email(const CertificateRule& only, std::vector<std::string> emails) {
  return accounts_of_certificate({&only, 1}, {kDigits, std::move(emails), {}});
}
Accounts by_host(const CertificateRule& only, std::vector<std::string> hosts) {
  return accounts_of_certificate({&only, 1}, {kDigits, {}, std::move(hosts)});
}

}  // namespace

TEST_CASE("a rule for certificates is written so that it means one account for each name") {
  CHECK(problem_of(kEmail, "*@example.edu", "*").empty());
  CHECK(problem_of(kEmail, "*@example.edu", "staff/*").empty());
  CHECK(problem_of(kEmail, "root@example.edu", "postmaster").empty());
  CHECK(problem_of(kDns, "*.example.edu", "smtp-relay/*").empty());
  CHECK(problem_of(kDns, "printer.example.edu", "smtp-relay/printer").empty());
  CHECK(problem_of(kFingerprint, kDigits, "alice").empty());

  CHECK_FALSE(problem_of(kEmail, "*@example.edu", "everybody").empty());
  CHECK_FALSE(problem_of(kEmail, "root@example.edu", "*").empty());
  CHECK_FALSE(problem_of(kEmail, "a*@example.edu", "*").empty());
  CHECK_FALSE(problem_of(kEmail, "*@*", "*").empty());
  CHECK_FALSE(problem_of(kEmail, "*@*.edu", "*").empty());
  CHECK_FALSE(problem_of(kEmail, "*@a@b", "*").empty());
  CHECK_FALSE(problem_of(kEmail, "*", "*").empty());
  CHECK_FALSE(problem_of(kEmail, "@example.edu", "alice").empty());
  CHECK_FALSE(problem_of(kEmail, "*@example.edu", "*/*").empty());
  CHECK_FALSE(problem_of(kEmail, "root@example.edu", "Post Master").empty());
  CHECK_FALSE(problem_of(kDns, "*", "*").empty());
  CHECK_FALSE(problem_of(kDns, "*.*.edu", "*").empty());
  CHECK_FALSE(problem_of(kDns, "a.*.edu", "alice").empty());
  CHECK_FALSE(problem_of(kFingerprint, "*", "*").empty());
  CHECK_FALSE(problem_of(kFingerprint, std::string(63, 'a'), "alice").empty());
  CHECK_FALSE(problem_of(kFingerprint, std::string(64, 'g'), "alice").empty());
  CHECK_FALSE(problem_of(kFingerprint, kDigits, "*").empty());
  CHECK_FALSE(problem_of(kFingerprint, kDigits, "").empty());
}

TEST_CASE("a fingerprint is taken as openssl writes it") {
  std::string written;
  for (int i = 0; i < 32; ++i) written += i == 0 ? "AB" : ":AB";
  std::string digits;
  for (int i = 0; i < 32; ++i) digits += "ab";
  CHECK(rule(kFingerprint, written, "alice").pattern == digits);
  const auto only = rule(kFingerprint, written, "alice");
  CHECK(accounts_of_certificate({&only, 1}, {digits, {}, {}}) == Accounts{"alice"});
  CHECK(accounts_of_certificate({&only, 1}, {kDigits, {}, {}}).empty());
  CHECK(accounts_of_certificate({&only, 1}, {"", {digits}, {digits}}).empty());
}

TEST_CASE("mailboxes give accounts") {
  const auto people = rule(kEmail, "*@Example.EDU", "*");
  CHECK(by_email(people, {"alice@example.edu"}) == Accounts{"alice"});
  CHECK(by_email(people, {"alice@EXAMPLE.edu"}) == Accounts{"alice"});
  CHECK(by_email(people, {"alice@elsewhere.edu", "alice@example.edu"}) == Accounts{"alice"});
  CHECK(by_email(people, {"alice@example.edu", "alice@example.edu"}) == Accounts{"alice"});
  CHECK(by_email(people, {"alice@example.edu", "bob@example.edu"}) == Accounts{"alice", "bob"});

  for (const char* nobody :
       {"Alice@example.edu", "alice@sub.example.edu", "alice@example.edu.", "alice", "@example.edu",
        "a@b@example.edu", "al ice@example.edu", "../x@example.edu", "staff/alice@example.edu",
        "*@example.edu", "\"alice\"@example.edu", "", "alice@example.edu\n",
        "al\xc3\xaf"
        "ce@example.edu"})
    CHECK(by_email(people, {nobody}).empty());
  CHECK(by_email(people, {std::string{"alice\0@example.edu", 18}}).empty());
  CHECK(by_email(people, {std::string(300, 'a') + "@example.edu"}).empty());
  CHECK(by_host(people, {"alice@example.edu", "alice.example.edu"}).empty());

  const auto exact = rule(kEmail, "root@example.edu", "postmaster");
  CHECK(by_email(exact, {"root@example.edu"}) == Accounts{"postmaster"});
  CHECK(by_email(exact, {"roots@example.edu"}).empty());
}

TEST_CASE("host names give devices") {
  const auto devices = rule(kDns, "*.dev.example.edu", "smtp-relay/*.dev.example.edu");
  CHECK(by_host(devices, {"printer.dev.example.edu"}) == Accounts{"smtp-relay/printer.dev.example.edu"});
  CHECK(by_host(devices, {"Printer.Dev.Example.edu"}) == Accounts{"smtp-relay/printer.dev.example.edu"});
  for (const char* nobody :
       {"a.b.dev.example.edu", "dev.example.edu", "*.dev.example.edu", ".dev.example.edu",
        "-x.dev.example.edu", "printer.dev.example.edu.", "a/b.dev.example.edu", "root@x.dev.example.edu"})
    CHECK(by_host(devices, {nobody}).empty());
  CHECK(by_email(devices, {"printer.dev.example.edu"}).empty());
}

TEST_CASE("the first rule that fits counts") {
  const std::vector<CertificateRule> rules{rule(kFingerprint, kDigits, "root"),
                                           rule(kEmail, "bob@example.edu", "robert"),
                                           rule(kEmail, "*@example.edu", "*")};
  CHECK(accounts_of_certificate(rules, {kDigits, {"bob@example.edu"}, {}}) == Accounts{"root"});
  CHECK(accounts_of_certificate(rules, {"", {"bob@example.edu"}, {}}) == Accounts{"robert"});
  CHECK(accounts_of_certificate(rules, {"", {"carol@example.edu"}, {}}) == Accounts{"carol"});
  CHECK(accounts_of_certificate(rules, {"", {}, {}}).empty());
  CHECK(accounts_of_certificate({}, {kDigits, {"bob@example.edu"}, {}}).empty());
}

TEST_CASE("fields have words") {
  for (const auto field : {kEmail, kDns, kFingerprint})
    CHECK(parse_certificate_field(certificate_field_word(field)) == field);
  CHECK_FALSE(parse_certificate_field("subject"));
}
