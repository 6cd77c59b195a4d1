#include "daemons/base/dns_client.h"

#include <catch2/catch.hpp>

#include "tests/unit/daemon_host.h"

namespace mailroom {
namespace {

using namespace std::chrono_literals;
using Dnsd = test::FarEnd<DnsdToAsker, AskerToDnsd>;

struct Asking {
  test::DaemonHost host;
  DnsClient client{host.loop, 1s};
  Dnsd dnsd;

  void attach() {
    auto [near, far] = ipc::make_channel();
    client.attach("queued-dnsd", "dnsd#1", std::move(near));
    dnsd = Dnsd{std::move(far)};
  }
};

TEST_CASE("an answer reaches who has asked, once") {
  Asking a;
  a.attach();
  std::vector<dns::Outcome> got;
  std::vector<bool> null_mx;
  a.client.look_up(dns::Type::a, "example.org",
                   [&](const dns::Answer& answer) { got.push_back(answer.outcome); });
  a.client.find_mail_hosts({.domain = "example.net"},
                           [&](const dns::MailHosts& hosts) { null_mx.push_back(hosts.null_mx); });
  const auto first = a.dnsd.next_as<LookUp>();
  const auto second = a.dnsd.next_as<FindMailHosts>();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->name == "example.org");
  CHECK(second->domain == "example.net");
  a.dnsd.send(MailHostsFound{second->question, {.null_mx = true}});
  a.dnsd.send(LookedUp{first->question, {.outcome = dns::Outcome::no_data}});
  a.dnsd.send(LookedUp{first->question, {.outcome = dns::Outcome::answer}});
  a.host.pump();
  CHECK(got == std::vector{dns::Outcome::no_data});
  CHECK(null_mx == std::vector{true});
  CHECK(a.client.open() == 0);
}

TEST_CASE("questions outlive dnsd") {
  Asking a;
  std::vector<dns::Outcome> got;
  a.client.look_up_names(*parse_ip_and_port("192.0.2.1:0"),
                         [&](const dns::Answer& answer) { got.push_back(answer.outcome); });
  a.attach();
  REQUIRE(a.dnsd.next_as<LookUp>());
  a.dnsd.close();
  a.host.pump();
  CHECK(got.empty());
  CHECK(a.host.log().empty());  // it is mailroomd's to say that dnsd has died
  a.attach();
  const auto again = a.dnsd.next_as<LookUp>();
  REQUIRE(again);
  CHECK(again->address.text() == "192.0.2.1");
  a.dnsd.send(LookedUp{again->question, {.outcome = dns::Outcome::answer}});
  a.host.pump();
  CHECK(got == std::vector{dns::Outcome::answer});
}

TEST_CASE("a question that dnsd has ended at twice fails, and is not asked again") {
  Asking a;
  std::vector<std::string> got;
  const auto note = [&](const dns::Answer& answer) { got.push_back(answer.problem); };
  a.client.look_up(dns::Type::a, "poison.example", note);
  for (unsigned end = 0; end < DnsClient::kMostEnds; ++end) {
    CHECK(got.empty());
    a.attach();
    REQUIRE(a.dnsd.next_as<LookUp>());
    a.dnsd.close();
    a.host.pump();
  }
  CHECK(got == std::vector<std::string>{"dnsd does not answer"});
  CHECK(a.client.open() == 0);
  a.client.look_up(dns::Type::a, "other.example", note);
  a.attach();
  const auto next = a.dnsd.next_as<LookUp>();
  REQUIRE(next);
  CHECK(next->name == "other.example");
  a.host.pump();
  CHECK(a.client.open() == 1);
}

TEST_CASE("an answer of another kind is a failed lookup") {
  Asking a;
  a.attach();
  std::vector<dns::Outcome> got;
  a.client.look_up(dns::Type::a, "example.org",
                   [&](const dns::Answer& answer) { got.push_back(answer.outcome); });
  const auto asked = a.dnsd.next_as<LookUp>();
  REQUIRE(asked);
  a.dnsd.send(MailHostsFound{asked->question, {.outcome = dns::Outcome::answer}});
  a.host.pump();
  CHECK(got == std::vector{dns::Outcome::failed});
  CHECK(a.host.log().find("peer-misbehaved") != std::string::npos);
}

TEST_CASE("what does not decode closes the channel, not the asker") {
  Asking a;
  a.attach();
  std::vector<dns::Outcome> got;
  a.client.look_up(dns::Type::a, "example.org",
                   [&](const dns::Answer& answer) { got.push_back(answer.outcome); });
  a.dnsd.send_raw("garbage");
  a.host.pump();
  CHECK(a.host.log().find("reason=malformed") != std::string::npos);
  a.attach();
  CHECK(a.dnsd.next_as<LookUp>());
}

TEST_CASE("without any dnsd the lookup fails in the end") {
  Asking a;
  DnsClient impatient{a.host.loop, -DnsClient::kGrace + 20ms};
  std::vector<std::string> problems;
  impatient.look_up(dns::Type::a, "example.org", [&](const dns::Answer& answer) {
    if (answer.outcome == dns::Outcome::failed) problems.push_back(answer.problem);
  });
  impatient.find_mail_hosts({.domain = "example.org"}, [&](const dns::MailHosts& hosts) {
    if (hosts.outcome == dns::Outcome::failed) problems.push_back(hosts.problem);
  });
  CHECK(problems.empty());
  a.host.pump(60ms);
  CHECK(problems == std::vector<std::string>(2, "dnsd does not answer"));
}

}  // namespace
}  // namespace mailroom
