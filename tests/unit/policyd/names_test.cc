// Names of clients at the relay, with the test as dnsd.
#include "tests/unit/policyd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;

namespace {

struct Relay : Policyd {
  Relay() { add("alice"); }

  LookUp asked() {
    pump();
    auto question = dnsd.next_as<LookUp>();
    REQUIRE(question);
    return *question;
  }
  void answer(const LookUp& question, dns::Answer answer) {
    dnsd.send(LookedUp{question.question, std::move(answer)});
    pump();
  }
  SmtpChild connect(const char* peer) {
    auto child = open_smtp(relay, ++last, Service::relay, peer);
    child.send(question(1, "d@devices.net", "v@evil.org"));
    pump();
    return child;
  }
  std::string verdict(SmtpChild& child) {
    pump();
    const auto verdict = child.next_as<mailroom::Verdict>();
    return verdict ? verdict->rule : "";
  }

  ConnectionId last = 0;
};

dns::Answer names(std::vector<std::string> names) {
  return {.outcome = dns::Outcome::answer, .ttl = 300, .names = std::move(names)};
}
dns::Answer addresses(const char* address) {
  return {.outcome = dns::Outcome::answer, .ttl = 300, .addresses = {Policyd::address(address)}};
}

}  // namespace

TEST_CASE("a client's name is asked for when it connects, and its recipients wait for it") {
  Relay p;
  auto child = p.connect("192.0.2.7");
  const LookUp reverse = p.asked();
  CHECK(reverse.type == dns::Type::ptr);
  CHECK(reverse.address == Policyd::address("192.0.2.7"));
  CHECK(p.verdict(child) == "");
  p.answer(reverse, names({"scanner.example.net"}));
  const LookUp forward = p.asked();
  CHECK(forward.type == dns::Type::a);
  CHECK(forward.name == "scanner.example.net");
  CHECK(p.verdict(child) == "");
  p.answer(forward, addresses("192.0.2.7"));
  CHECK(p.verdict(child) == "device-not-registered");

  // What the DNS said is kept, and not asked again.
  auto again = p.connect("192.0.2.7");
  CHECK(p.verdict(again) == "device-not-registered");
  CHECK_FALSE(p.dnsd.next());
}

TEST_CASE("each outcome of the DNS has its own rule") {
  Relay p;
  auto nameless = p.connect("192.0.2.7");
  p.answer(p.asked(), {.outcome = dns::Outcome::no_domain, .ttl = 60});
  CHECK(p.verdict(nameless) == "reverse-name-absent");
  auto unresolved = p.connect("192.0.2.8");
  p.answer(p.asked(), names({"a.example.net"}));
  p.answer(p.asked(), {.outcome = dns::Outcome::no_data, .ttl = 60});
  CHECK(p.verdict(unresolved) == "reverse-name-unresolved");
  auto elsewhere = p.connect("2001:db8::9");
  p.answer(p.asked(), names({"a.example.net"}));
  const LookUp forward = p.asked();
  CHECK(forward.type == dns::Type::aaaa);
  p.answer(forward, addresses("2001:db8::10"));
  CHECK(p.verdict(elsewhere) == "reverse-name-elsewhere");
  auto failed = p.connect("192.0.2.10");
  p.answer(p.asked(), {});
  CHECK(p.verdict(failed) == "reverse-name-unknown");
}

TEST_CASE("many clients of one address ask once, and one that goes meanwhile is forgotten") {
  Relay p;
  auto first = p.connect("192.0.2.7");
  auto second = p.connect("192.0.2.7");
  const LookUp reverse = p.asked();
  CHECK_FALSE(p.dnsd.next());
  first = {};
  p.pump();
  p.answer(reverse, {.outcome = dns::Outcome::no_domain, .ttl = 60});
  CHECK(p.verdict(second) == "reverse-name-absent");
}

TEST_CASE("a child that does not wait for its answer is ended") {
  Relay p;
  auto child = p.connect("192.0.2.7");
  child.send(question(2, "d@devices.net", "v@evil.org"));
  p.pump();
  CHECK(p.logged("a question before the answer"));
}

TEST_CASE("an explanation waits for the DNS too") {
  Relay p;
  p.tool.send(ExplainMail{Service::relay, Policyd::address("192.0.2.7"), "", "d@devices.net", "v@evil.org"});
  p.answer(p.asked(), {.outcome = dns::Outcome::no_domain, .ttl = 60});
  const auto explained = p.tool.next_as<MailExplained>();
  REQUIRE(explained);
  CHECK(explained->rule == "reverse-name-absent");
}
