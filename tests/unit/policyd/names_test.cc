// Names of clients at the relay, with the test as dnsd.
#include <fmt/format.h>

#include "daemons/policyd/name_desk.h"
#include "tests/unit/policyd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;
using namespace std::chrono_literals;
using policyd::kMaxKeptNames;
using policyd::kMaxNameQuestions;

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

dns::Answer names(std::vector<std::string> names, std::uint32_t ttl = 300) {
  return {.outcome = dns::Outcome::answer, .ttl = ttl, .names = std::move(names)};
}
dns::Answer addresses(const char* address, std::uint32_t ttl = 300) {
  return {.outcome = dns::Outcome::answer, .ttl = ttl, .addresses = {Policyd::address(address)}};
}
dns::Answer no_name(std::uint32_t ttl) { return {.outcome = dns::Outcome::no_domain, .ttl = ttl}; }

// A desk whose clock and DNS are in the hands of the test.
struct Desk : DaemonHost {
  Desk() {
    auto [ours, theirs] = ipc::make_channel();
    client.attach("policyd-dnsd", "dnsd#1", std::move(ours));
    dnsd = Dnsd{std::move(theirs)};
  }

  // What the desk knows of the address without asking; else nothing, and then `question` is what it asks.
  std::optional<policy::ReverseNameFound> known(const IpAddress& peer) {
    std::optional<policy::ReverseNameFound> found;
    auto late = std::make_shared<bool>(false);
    desk.find(peer, [&found, late](const policy::ReverseNameFound& answer) {
      if (!*late) found = answer;
    });
    *late = true;
    pump();
    question = dnsd.next_as<LookUp>();
    return found;
  }
  bool asks(const char* peer) { return !known(Policyd::address(peer)) && question; }
  bool knows(const char* peer) { return known(Policyd::address(peer)).has_value(); }
  void answer(dns::Answer answer) {
    REQUIRE(question);
    dnsd.send(LookedUp{question->question, std::move(answer)});
    pump();
    question = dnsd.next_as<LookUp>();
  }

  // So many addresses, from `first` on, each without a name for `ttl`.
  void fill(std::uint32_t first, std::size_t count, std::uint32_t ttl) {
    for (std::size_t done = 0; done < count; done += kMaxNameQuestions) {
      for (std::size_t i = 0; i < kMaxNameQuestions; ++i)
        desk.find(numbered(first + static_cast<std::uint32_t>(done + i)), [](const auto&) {});
      pump();
      while (const auto asked = dnsd.next_as<LookUp>()) {
        dnsd.send(LookedUp{asked->question, no_name(ttl)});
        pump(std::chrono::milliseconds{0});
      }
    }
  }
  static IpAddress numbered(std::uint32_t n) {
    return Policyd::address(fmt::format("10.{}.{}.{}", n >> 16, n >> 8 & 0xff, n & 0xff).c_str());
  }

  policyd::NameDesk::Time now{};
  DnsClient client{loop, std::chrono::seconds{20}};
  policyd::NameDesk desk{client, [this] { return now; }};
  Dnsd dnsd;
  std::optional<LookUp> question;
};

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
  p.tool.send(ExplainMail{policy::Stage::recipient, Service::relay, Policyd::address("192.0.2.7"), "",
                          "d@devices.net", "v@evil.org"});
  p.answer(p.asked(), {.outcome = dns::Outcome::no_domain, .ttl = 60});
  const auto explained = p.tool.next_as<MailExplained>();
  REQUIRE(explained);
  CHECK(explained->rule == "reverse-name-absent");
}

TEST_CASE("a name is kept as long as the DNS allows, and asked for again then") {
  Desk d;
  REQUIRE(d.asks("192.0.2.7"));
  d.answer(names({"a.example.net"}, 900));
  d.answer(addresses("192.0.2.7", 200));  // the shorter one counts
  d.now += 199s;
  const auto found = d.known(Policyd::address("192.0.2.7"));
  REQUIRE(found);
  CHECK(found->outcome == policy::ReverseName::confirmed);
  CHECK(found->names == std::vector<std::string>{"a.example.net"});
  CHECK_FALSE(d.question);
  CHECK(d.asks("192.0.2.8"));  // of another address nothing is known

  d.now += 1s;
  REQUIRE(d.asks("192.0.2.7"));
  d.answer(no_name(100));
  const auto changed = d.known(Policyd::address("192.0.2.7"));
  REQUIRE(changed);
  CHECK(changed->outcome == policy::ReverseName::absent);
  CHECK(changed->names.empty());
}

TEST_CASE("a name is the host's, from whichever port it comes") {
  Desk d;
  IpAddress other = Policyd::address("192.0.2.7");
  other.port = 40'000;
  REQUIRE(d.asks("192.0.2.7"));
  d.answer(no_name(100));
  CHECK(d.known(other));
}

TEST_CASE("names are kept for half a minute at least and an hour at most") {
  struct Case {
    std::uint32_t ttl;
    std::chrono::seconds kept;
  };
  constexpr Case kCases[] = {{0, 30s},        {29, 30s},          {31, 31s},           {3'599, 3'599s},
                             {3'601, 3'600s}, {1u << 31, 3'600s}, {0xffffffff, 3'600s}};
  for (const auto& [ttl, kept] : kCases) {
    INFO(ttl);
    Desk d;
    REQUIRE(d.asks("192.0.2.7"));
    d.answer(no_name(ttl));
    d.now += kept - 1ms;
    CHECK(d.knows("192.0.2.7"));
    d.now += 1ms;
    CHECK(d.asks("192.0.2.7"));
  }
}

TEST_CASE("a failure of the DNS is kept for half a minute, whatever else it said") {
  const bool half = GENERATE(false, true);
  Desk d;
  REQUIRE(d.asks("192.0.2.7"));
  if (half) d.answer(names({"a.example.net"}, 900));
  d.answer({});
  d.now += 30s - 1ms;
  const auto found = d.known(Policyd::address("192.0.2.7"));
  REQUIRE(found);
  CHECK(found->outcome == policy::ReverseName::unknown);
  d.now += 1ms;
  CHECK(d.asks("192.0.2.7"));
}

TEST_CASE("so many names are kept and no more: those go that are over, else all") {
  Desk d;
  d.fill(0, kMaxKeptNames / 2, 60);
  d.fill(kMaxKeptNames / 2, kMaxKeptNames / 2, 600);
  d.now += 60s;
  REQUIRE(d.asks("192.0.2.7"));
  d.answer(no_name(600));
  CHECK(d.known(Desk::numbered(kMaxKeptNames / 2)));
  CHECK(d.known(Desk::numbered(kMaxKeptNames - 1)));

  d.fill(kMaxKeptNames, kMaxKeptNames / 2, 600);
  CHECK_FALSE(d.known(Desk::numbered(kMaxKeptNames - 1)));
}

TEST_CASE("beyond so many questions at the same time a name is not known") {
  Desk d;
  for (std::uint32_t n = 0; n < kMaxNameQuestions; ++n)
    d.desk.find(Desk::numbered(n), [](const auto&) { FAIL("answered without the DNS"); });
  const auto found = d.known(Policyd::address("192.0.2.7"));
  REQUIRE(found);
  CHECK(found->outcome == policy::ReverseName::unknown);
}
