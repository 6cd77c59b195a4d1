// ReportDesk: what is counted, what survives, which reports go out when.
#include <catch2/catch.hpp>

#include "daemons/policyd/report_desk.h"
#include "tests/unit/daemon_host.h"

using namespace mailroom;
using namespace mailroom::policyd;
using routing::TlsReason;

namespace {

constexpr std::uint64_t kDay = 24 * 3600;

class Desk : public test::DaemonHost {
 public:
  Desk() { start(); }

  void start() {
    desk.reset();
    sts.reset();
    directory.reset();
    directory.emplace(state::Directory::open(".", 64 << 20));
    sts.emplace(
        loop, *directory, [](const std::string&, auto) {}, [this] { return now; },
        [](const std::string&, const StsTrouble&) {});
    desk.emplace(
        loop, *directory, launch.config, *sts,
        [this](const std::string& name, ReportDesk::OnTexts then) {
          names.push_back(name);
          then(answer);
        },
        [this](const std::string& to, std::string message, std::function<void(bool)> then) {
          sent.emplace_back(to, std::move(message));
          then(queue_takes_it);
        },
        [this](const tlsrpt::WebTarget& target, std::string report,
               std::function<void(const std::string&)> then) {
          posted.emplace_back(target, std::move(report));
          then(web_problem);
        },
        [this] { return now; });
  }

  void count(TlsReason reason, const std::string& result, const std::string& mx = "mx.example.net") {
    desk->count({.question = 1,
                 .outcomes = {TlsOutcome{.domain = "example.net",
                                         .reason = reason,
                                         .policy = {"3 1 1 ABCD"},
                                         .mx = mx,
                                         .ip = "192.0.2.1",
                                         .result = result,
                                         .detail = {}}}});
  }
  std::vector<tlsrpt::Tally> stored() {
    const auto results = directory->view().tls_results();
    return results.empty() ? std::vector<tlsrpt::Tally>{} : results.front().tallies;
  }

  std::uint64_t now = 20'000 * kDay + 100;
  std::optional<state::Directory> directory;
  std::optional<StsDesk> sts;
  std::optional<ReportDesk> desk;
  dns::Answer answer{.outcome = dns::Outcome::answer, .texts = {"v=TLSRPTv1; rua=mailto:tls@example.net"}};
  bool queue_takes_it = true;
  std::vector<std::string> names;
  std::vector<std::pair<std::string, std::string>> sent;
  std::string web_problem;
  std::vector<std::pair<tlsrpt::WebTarget, std::string>> posted;
};

}  // namespace

TEST_CASE("outcomes are counted by day, domain and policy, and survive a restart") {
  Desk test;
  test.count(TlsReason::dane, "");
  test.count(TlsReason::dane, "");
  test.count(TlsReason::dane, "certificate-not-trusted");
  test.count(TlsReason::default_policy, "starttls-not-supported");
  test.start();
  test.count(TlsReason::dane, "certificate-not-trusted");
  const auto tallies = test.stored();
  REQUIRE(tallies.size() == 2);
  CHECK(tallies[0].type == tlsrpt::PolicyType::tlsa);
  CHECK(tallies[0].policy == std::vector<std::string>{"3 1 1 ABCD"});
  CHECK(tallies[0].successes == 2);
  CHECK(tallies[0].failures.front().sessions == 2);
  CHECK(tallies[1].type == tlsrpt::PolicyType::none);
  CHECK(tallies[1].failed == 1);
}

TEST_CASE("MTA-STS: the policy is named, a host beyond it is a failure, and so is a fetch") {
  Desk test;
  auto update = test.directory->update();
  update.put_sts_policy("example.net",
                        {"1", routing::StsMode::testing, {"mx.example.net"}, 1'000'000, test.now});
  update.commit();
  test.start();
  test.count(TlsReason::mta_sts, "");
  test.count(TlsReason::mta_sts, "", "other.example.net");
  test.desk->count_trouble("example.net", {"sts-webpki-invalid", "self-signed"});
  const auto tallies = test.stored();
  REQUIRE(tallies.size() == 1);
  CHECK(tallies[0].policy == std::vector<std::string>{"version: STSv1", "mode: testing", "mx: mx.example.net",
                                                      "max_age: 1000000"});
  CHECK(tallies[0].successes == 1);
  REQUIRE(tallies[0].failures.size() == 2);
  CHECK(tallies[0].failures[0].result == "validation-failure");
  CHECK(tallies[0].failures[1].result == "sts-webpki-invalid");
}

TEST_CASE("the report goes out once, after its day is over") {
  Desk test;
  test.count(TlsReason::dane, "");
  test.desk->send_due();
  CHECK(test.names.empty());
  test.now += kDay;
  test.desk->send_due();
  CHECK(test.names == std::vector<std::string>{"_smtp._tls.example.net"});
  REQUIRE(test.sent.size() == 1);
  CHECK(test.sent[0].first == "tls@example.net");
  CHECK(test.sent[0].second.find("TLS-Report-Domain: example.net\r\n") != std::string::npos);
  CHECK(test.log().find(" tls-report ") != std::string::npos);
  test.desk->send_due();
  CHECK(test.sent.size() == 1);
  CHECK(test.stored().empty());
}

TEST_CASE("who asks for no report gets none") {
  Desk test;
  test.count(TlsReason::dane, "");
  test.now += kDay;
  test.answer = {.outcome = GENERATE(dns::Outcome::no_data, dns::Outcome::no_domain)};
  test.desk->send_due();
  CHECK(test.sent.empty());
  CHECK(test.stored().empty());
}

TEST_CASE("a web server has its report posted") {
  Desk test;
  test.count(TlsReason::dane, "");
  test.now += kDay;
  test.answer.texts = {"v=TLSRPTv1; rua=https://reports.example.net/v1"};
  test.desk->send_due();
  REQUIRE(test.posted.size() == 1);
  CHECK(test.posted[0].first == tlsrpt::WebTarget{"reports.example.net", 0, "/v1"});
  CHECK(test.posted[0].second.starts_with("\x1f\x8b"));
  CHECK(test.posted[0].second.find("\"policy-domain\":\"example.net\"") != std::string::npos);
  CHECK(test.log().find("recipient=https://reports.example.net/v1 sent=yes") != std::string::npos);
  CHECK(test.stored().empty());
}

TEST_CASE("of several destinations each gets the report once, and a restart repeats none") {
  Desk test;
  test.count(TlsReason::dane, "");
  test.now += kDay;
  test.answer.texts = {"v=TLSRPTv1; rua=https://reports.example.net/v1,mailto:tls@example.net"};
  test.web_problem = "HTTP status 503";
  test.desk->send_due();
  CHECK(test.posted.size() == 1);
  CHECK(test.sent.size() == 1);
  if (GENERATE(false, true)) test.start();
  SECTION("again where it failed") {
    test.web_problem = "";
    test.desk->send_due();
    test.desk->send_due();
    test.start();
    test.desk->send_due();
    CHECK(test.posted.size() == 2);
    CHECK(test.sent.size() == 1);
  }
  SECTION("until the time is over") {
    test.now += 2 * kDay;
    test.desk->send_due();
    test.desk->send_due();
    CHECK(test.posted.size() == 2);
    CHECK(test.sent.size() == 1);
  }
  CHECK(test.stored().empty());
  CHECK(test.directory->view().tls_reached().empty());
}

TEST_CASE("a destination that the domain no longer names is not waited for, over a restart neither") {
  Desk test;
  test.count(TlsReason::dane, "");
  test.now += kDay;
  const std::string by_mail = "v=TLSRPTv1; rua=mailto:tls@example.net";
  test.answer.texts = {by_mail + ",https://reports.example.net/v1"};
  test.web_problem = "HTTP status 503";
  test.desk->send_due();
  test.start();
  test.answer.texts = {by_mail};
  test.desk->send_due();
  CHECK(test.posted.size() == 1);
  CHECK(test.sent.size() == 1);
  CHECK(test.stored().empty());
  CHECK(test.directory->view().tls_reached().empty());
}

TEST_CASE("what is no destination is said once, and costs the others nothing") {
  Desk test;
  test.count(TlsReason::dane, "");
  test.now += kDay;
  const std::string wrong = GENERATE("https://reports.example.net:25/v1", "https://127.0.0.1/v1",
                                     "http://reports.example.net/v1", "ftp://x.example", "mailto:nobody");
  const bool mail_too = GENERATE(false, true);
  test.answer.texts = {"v=TLSRPTv1; rua=" + wrong + (mail_too ? ",mailto:tls@example.net" : "")};
  test.desk->send_due();
  test.desk->send_due();
  CHECK(test.sent.size() == (mail_too ? 1 : 0));
  CHECK(test.posted.empty());
  CHECK(test.log().find("recipient=" + wrong + " sent=no") != std::string::npos);
  CHECK(test.stored().empty());
}

TEST_CASE("a report that cannot go out is tried again for two days") {
  Desk test;
  test.count(TlsReason::dane, "");
  const bool by_dns = GENERATE(true, false);
  const dns::Answer good = std::exchange(test.answer, by_dns ? dns::Answer{} : test.answer);
  test.queue_takes_it = by_dns;
  for (int day = 1; day <= 2; ++day) {
    test.now += kDay;
    test.desk->send_due();
    CHECK_FALSE(test.stored().empty());
  }
  SECTION("and goes out then") {
    test.answer = good;
    test.queue_takes_it = true;
    test.sent.clear();
    test.desk->send_due();
    CHECK(test.sent.size() == 1);
  }
  SECTION("and is given up") {
    test.now += kDay;
    test.desk->send_due();
  }
  CHECK(test.stored().empty());
}

TEST_CASE("nothing is counted where an operator does not want it; domains are bounded") {
  Desk test;
  test.launch.config.policyd.tls_reports = false;
  test.count(TlsReason::dane, "");
  CHECK(test.stored().empty());
  test.launch.config.policyd.tls_reports = true;
  TlsOutcomes many;
  for (std::size_t i = 0; i < kMaxReportedDomains + 5; ++i)
    many.outcomes.push_back({.domain = "d" + std::to_string(i) + ".example"});
  test.desk->count(many);
  CHECK(test.directory->view().tls_results().size() == kMaxReportedDomains);
}
