// What SPF asks of dnsd, and what becomes of its silence.
#include "daemons/queued/sender_checks.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/unit/daemon_host.h"

namespace mailroom::queued {
namespace {

using namespace std::chrono_literals;
using Dnsd = mailroom::test::FarEnd<DnsdToAsker, AskerToDnsd>;

const IpAddress kClient = *parse_ip_and_port("192.0.2.7:4711");

struct Checking {
  mailroom::test::DaemonHost host;
  DnsClient dns{host.loop, 1s};
  SenderChecks checks{dns};
  Dnsd dnsd;
  std::vector<SenderVerdict> verdicts;

  Checking() {
    auto [near, far] = ipc::make_channel();
    dns.attach("queued-dnsd", "dnsd#1", std::move(near));
    dnsd = Dnsd{std::move(far)};
  }
  void check(const std::string& domain = "example.org") {
    checks.check({kClient, "helo", "anna", domain},
                 [this](const SenderVerdict& verdict) { verdicts.push_back(verdict); });
  }
  // What is asked next, answered.
  LookUp answer(dns::Answer answer) {
    const auto asked = dnsd.next_as<LookUp>();
    REQUIRE(asked);
    dnsd.send(LookedUp{asked->question, std::move(answer)});
    host.pump();
    return *asked;
  }
  static dns::Answer text(const std::string& record) {
    dns::Answer answer{.outcome = dns::Outcome::answer};
    answer.texts = {record};
    return answer;
  }
};

TEST_CASE("each lookup of a check is asked when the one before is answered") {
  Checking c;
  c.check();
  const LookUp record = c.answer(Checking::text("v=spf1 a ptr -all"));
  CHECK(record.type == dns::Type::txt);
  CHECK(record.name == "example.org");
  const LookUp address = c.answer({.outcome = dns::Outcome::no_data});
  CHECK(address.type == dns::Type::a);
  const LookUp names = c.answer({.outcome = dns::Outcome::no_data});
  CHECK(names.type == dns::Type::ptr);
  CHECK(names.name.empty());
  CHECK(names.address == kClient);
  REQUIRE(c.verdicts.size() == 1);
  CHECK(c.verdicts[0].result == spf::Result::fail);
  CHECK(c.verdicts[0].directive == "-all");
  CHECK(c.verdicts[0].domain == "example.org");
  CHECK_FALSE(c.dnsd.next());
}

TEST_CASE("checks go on beside each other") {
  Checking c;
  c.check("one.example");
  c.check("two.example");
  const auto one = c.dnsd.next_as<LookUp>(), two = c.dnsd.next_as<LookUp>();
  REQUIRE((one && two));
  c.dnsd.send(LookedUp{two->question, Checking::text("v=spf1 ~all")});
  c.dnsd.send(LookedUp{one->question, Checking::text("v=spf1 -all")});
  c.host.pump();
  REQUIRE(c.verdicts.size() == 2);
  CHECK(c.verdicts[0].result == spf::Result::softfail);
  CHECK(c.verdicts[1].domain == "one.example");
}

TEST_CASE("what cannot be a domain is settled at once; a failed lookup is nothing known") {
  Checking c;
  c.check("localhost");
  REQUIRE(c.verdicts.size() == 1);
  CHECK(c.verdicts[0].result == spf::Result::none);
  c.check();
  c.answer({});
  REQUIRE(c.verdicts.size() == 2);
  CHECK(c.verdicts[1].result == spf::Result::temperror);
}

TEST_CASE("of more checks than there may be nothing is known, and room comes back") {
  Checking c;
  for (std::size_t i = 0; i < SenderChecks::kMaxOpen; ++i) c.check();
  CHECK(c.verdicts.empty());
  c.check();
  REQUIRE(c.verdicts.size() == 1);
  CHECK(c.verdicts[0].result == spf::Result::temperror);
  c.answer(Checking::text("v=spf1 +all"));
  REQUIRE(c.verdicts.size() == 2);
  c.check();
  CHECK(c.verdicts.size() == 2);
}

}  // namespace
}  // namespace mailroom::queued
