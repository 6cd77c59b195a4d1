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

TEST_CASE("https: a name, a port perhaps, and what can stand in a request line") {
  CHECK(web_target("https://reports.example.org/v1") == WebTarget{"reports.example.org", 0, "/v1"});
  CHECK(web_target("HTTPS://Reports.Example.org") == WebTarget{"reports.example.org", 0, "/"});
  CHECK(web_target("https://a.example:8443?x=y%2C") == WebTarget{"a.example", 8443, "/?x=y%2C"});
  for (const char* wrong : {"http://a.example/",
                            "https:a.example",
                            "https://",
                            "https:///v1",
                            "https://localhost/",
                            "https://127.0.0.1/",
                            "https://[::1]/",
                            "https://0x7f.1/",
                            "https://a.0x7f/",
                            "https://u@a.example/",
                            "https://u:p@a.example/",
                            "https://a.example:/",
                            "https://a.example:0/",
                            "https://a.example:65536/",
                            "https://a.example:1x/",
                            "https://a.example/#x",
                            "https://a.example/x y",
                            "https://a.example/\r\nHost: b",
                            "https://a.example\\@b.example/",
                            "https://-a.example/",
                            "https://a..example/",
                            "https://a.example./",
                            "https://a .example/",
                            "https://a.example/\xc3\xa9",
                            "mailto:a@b.example"})
    CHECK_FALSE(web_target(wrong));
  CHECK_FALSE(web_target("https://" + std::string(64, 'a') + ".example/"));
  CHECK_FALSE(web_target("https://a.example/" + std::string(1000, 'a')));
}

TEST_CASE("a report is no longer than may be, whatever strangers have put into it") {
  Report report{.organization = "o",
                .contact = "c@o",
                .submitter = "mail.o",
                .domain = "example.org",
                .day = {},
                .tallies = {}};
  for (const PolicyType type : {PolicyType::tlsa, PolicyType::sts}) {
    Tally tally{.type = type, .policy = {}, .mx = {}, .failures = {}};
    tally.policy.assign(kMaxPolicyLines, std::string(2'000, 'f'));
    for (std::size_t i = 0; i < kMaxFailureRows; ++i)
      tally.add_failure({"validation-failure", std::string(200, 'm') + std::to_string(i), "192.0.2.1",
                         std::string(kMaxDetail, 'd'), 2});
    report.tallies.push_back(tally);
  }
  const std::string json = report_json(report);
  CHECK(json.size() <= kMaxJson);
  CHECK(json.size() > kMaxJson - 3'000);
  CHECK(json.find("\"total-failure-session-count\":" + std::to_string(2 * kMaxFailureRows)) !=
        std::string::npos);
  CHECK(report.tallies.front().failures.size() == kMaxFailureRows);
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
