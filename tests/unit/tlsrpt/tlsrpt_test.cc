// Reports on TLS (RFC 8460): tallies, where reports go, the message.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "libcommon/text/base64.h"
#include "libcommon/tlsrpt/report.h"

using namespace mailroom;
using namespace mailroom::tlsrpt;

namespace {

Report example() {
  Tally sts{.type = PolicyType::sts,
            .policy = {"version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"},
            .mx = {"*.mail.company-y.example"}};
  sts.add_success(5326);
  sts.add_failure({"certificate-expired", "mx1.mail.company-y.example", "203.0.113.56", "", 100});
  sts.add_failure(
      {"starttls-not-supported", "mx2.mail.company-y.example", "2001:db8::34", "na\xefve \"quote\"", 200});
  sts.add_failure({"starttls-not-supported", "mx2.mail.company-y.example", "2001:db8::34", "another", 3});
  return {.organization = "Campus",
          .contact = "postmaster@campus.example",
          .submitter = "mail.campus.example",
          .domain = "company-y.example",
          .day = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22},
          .tallies = {sts, Tally{.type = PolicyType::none, .successes = 1}}};
}

}  // namespace

TEST_CASE("a tally counts sessions, and bounds its rows") {
  Tally tally;
  tally.add_success();
  for (std::size_t i = 0; i < kMaxFailureRows + 10; ++i)
    tally.add_failure({"validation-failure", "mx" + std::to_string(i), "", std::string(1000, 'x'), 1});
  CHECK(tally.successes == 1);
  CHECK(tally.failed == kMaxFailureRows + 10);
  CHECK(tally.failures.size() == kMaxFailureRows);
  CHECK(tally.failures.back().sessions == 11);
  CHECK(tally.failures.front().detail.size() == kMaxDetail);
  tally.add_failure({"validation-failure", "mx0", "", "again", 2});
  CHECK(tally.failures.front().sessions == 3);
}

TEST_CASE("RFC 8460 3: where a domain wants its reports") {
  using Uris = std::vector<std::string>;
  CHECK(report_destinations({"v=TLSRPTv1;rua=mailto:reports@example.com"}) ==
        Uris{"mailto:reports@example.com"});
  CHECK(report_destinations({"x", "v=TLSRPTv1; rua=https://a.example/v1 , mailto:b@c.example;"}) ==
        Uris{"https://a.example/v1", "mailto:b@c.example"});
  CHECK(report_destinations({"v=TLSRPTv1; x=y; rua=mailto:a@b"}) == Uris{"mailto:a@b"});
  CHECK(report_destinations({}).empty());
  CHECK(report_destinations({"v=TLSRPTv1"}).empty());
  CHECK(report_destinations({"v=TLSRPTv12; rua=mailto:a@b"}).empty());
  CHECK(report_destinations({"v=TLSRPTv1; rua=mailto:a@b", "v=TLSRPTv1; rua=mailto:a@b"}).empty());
  std::string many = "v=TLSRPTv1; rua=mailto:a@b";
  for (int i = 0; i < 100; ++i) many += ",mailto:a@b";
  CHECK(report_destinations({many}).size() == kMaxDestinations);
}

TEST_CASE("mailto: exactly one plain address") {
  CHECK(mailto_address("mailto:tls@example.org") == "tls@example.org");
  CHECK(mailto_address("MAILTO:tls%2Breports@example.org?subject=x") == "tls+reports@example.org");
  for (const char* wrong : {"https://example.org", "mailto:", "mailto:a", "mailto:@b", "mailto:a@",
                            "mailto:a@b,c@d", "mailto:a@b@c", "mailto:a%0d%0aBcc:x@b", "mailto:a%4@b",
                            "mailto:a%zz@b", "mailto:<a@b>", "mailto:a b@c"})
    CHECK(mailto_address(wrong) == "");
  CHECK(mailto_address("mailto:" + std::string(300, 'a') + "@b") == "");
}

TEST_CASE("RFC 1952: a gzip file of stored blocks") {
  const std::string file = gzip_stored("abc");
  CHECK(encode_base64(file) == "H4sIAAAAAAAA/wEDAPz/YWJjwkEkNQMAAAA=");
}

TEST_CASE("the example of RFC 8460 appendix B, as JSON") {
  CHECK(
      report_json(example()) ==
      R"({"organization-name":"Campus","date-range":{"start-datetime":"2026-11-22T00:00:00Z",)"
      R"("end-datetime":"2026-11-22T23:59:59Z"},"contact-info":"postmaster@campus.example",)"
      R"("report-id":"2026-11-22_company-y.example@mail.campus.example","policies":[{"policy":)"
      R"({"policy-type":"sts","policy-string":["version: STSv1","mode: testing","mx: *.mail.company-y.example",)"
      R"("max_age: 86400"],"policy-domain":"company-y.example","mx-host":["*.mail.company-y.example"]},)"
      R"("summary":{"total-successful-session-count":5326,"total-failure-session-count":303},)"
      R"("failure-details":[{"result-type":"certificate-expired","receiving-ip":"203.0.113.56",)"
      R"("receiving-mx-hostname":"mx1.mail.company-y.example","failed-session-count":100},)"
      R"({"result-type":"starttls-not-supported","receiving-ip":"2001:db8::34",)"
      R"("receiving-mx-hostname":"mx2.mail.company-y.example","failed-session-count":203,)"
      R"("additional-information":"na\ufffdve \"quote\""}]},)"
      R"({"policy":{"policy-type":"no-policy-found","policy-domain":"company-y.example"},)"
      R"("summary":{"total-successful-session-count":1,"total-failure-session-count":0}}]})");
}

// read_report.py runs this case with REPORT_FILE set, and reads what it has written.
TEST_CASE("the message") {
  const std::string message = report_message(example(), "postmaster@campus.example", "tls@company-y.example",
                                             "Mon, 23 Nov 2026 01:02:03 +0000");
  CHECK(message.find("\r\nTLS-Required: No\r\n") != std::string::npos);
  for (std::size_t at = 0; (at = message.find('\n', at)) != std::string::npos; ++at)
    CHECK(message[at - 1] == '\r');
  if (const char* path = std::getenv("REPORT_FILE"); path != nullptr)
    std::ofstream{path, std::ios::binary} << message << std::flush;
}
