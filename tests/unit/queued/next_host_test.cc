// Which of a destination's hosts have a message: in one attempt, and by what earlier ones have said.
#include <catch2/catch.hpp>

#include "tests/unit/queued/relaying.h"

using namespace mailroom;
using namespace mailroom::queued;
using namespace mailroom::queued::test;

namespace {

const IpAddress kFirst = *parse_ip_and_port("192.0.2.1:2525"), kSecond = *parse_ip_and_port("192.0.2.2:2525"),
                kThird = *parse_ip_and_port("192.0.2.3:2525");

// A host with several addresses.
struct Addresses : Relaying {
  static Config config() {
    Config config = patient();
    config.routes = {
        {"far.test", routing::Protocol::smtp, "mx.far.test", 2525, routing::TlsLevel::may, false}};
    return config;
  }
  explicit Addresses(std::vector<IpAddress> all = {kFirst, kSecond})
      : Relaying{config()}, addresses{std::move(all)} {
    attach_dnsd();
  }

  void answer_dns() {
    const auto question = receive(dnsd);
    REQUIRE(question);
    dns::MailHosts found{.outcome = dns::Outcome::answer, .ttl = 3600};
    found.hosts.push_back({.name = "mx.far.test", .outcome = dns::Outcome::answer, .addresses = addresses});
    dnsd.send(MailHostsFound{std::get<FindMailHosts>(*question).question, found});
  }
  // A process that is connected to the address that it is to try first.
  RelayEnd connected() {
    RelayEnd process = relay();
    REQUIRE(process.is_open());
    process.send(Connected{.host = "mx.far.test", .address = asked().at(0), .attempts = {}});
    return process;
  }
  std::vector<IpAddress> asked() const {
    std::vector<IpAddress> out;
    for (const routing::NextHop& hop : connect_asked.hops)
      out.insert(out.end(), hop.addresses.begin(), hop.addresses.end());
    return out;
  }
  std::uint32_t attempts(QueueId id) { return show(id).message.attempts; }

  std::vector<IpAddress> addresses;
};
using All = std::vector<IpAddress>;

RecipientOutcome cut_at(RelayStage stage) {
  return {.number = 1, .failure = RelayFailure::cut, .stage = stage, .reply = {}};
}
RecipientOutcome said_at(RelayStage stage, const Reply& reply) {
  return {.number = 1, .stage = stage, .reply = reply};
}

const Reply kBusy{451, "4.3.1", "no space"}, kCloses{421, "4.3.2", "going down"};

}  // namespace

TEST_CASE("an address that has taken nothing is tried after the others") {
  Addresses system;
  const QueueId id = system.send_remote(17);
  system.answer_dns();
  RelayEnd process = system.connected();
  REQUIRE(system.asked().at(0) == kFirst);
  const Send send = system.handed(process);
  SECTION("which are tried for it, and not for others") {
    process.send(Sent{id, {{.number = 1, .stage = RelayStage::rcpt, .reply = kLater}}, true});
    system.settle();
    const QueueId other = system.send_remote(18);
    CHECK(system.handed(process).queue_id == other);
    Relaying::answer_all(process, {.queue_id = other, .recipients = {{.number = 1}}}, kTaken);
    system.settle();
    system.retry(id);
    RelayEnd again = system.connected();
    CHECK(system.asked().at(0) == kSecond);
    CHECK(system.asked().at(1) == kFirst);
    CHECK(system.handed(again).queue_id == id);
  }
  SECTION("for all of the destination when it is the host's trouble") {
    process.close();
    system.settle();
    system.retry(id);
    RelayEnd again = system.connected();
    CHECK(system.asked().at(0) == kSecond);
    Relaying::answer_all(again, system.handed(again), kTaken, false);
    system.settle();
    CHECK(system.queued_messages() == 0);
    system.send_remote(18);
    system.connected();
    CHECK(system.asked().at(0) == kSecond);
  }
}

TEST_CASE("an address without a session is tried after one that had one") {
  Addresses system;
  system.send_remote(17);
  system.answer_dns();
  RelayEnd process = system.relay();
  process.send(Connected{
      .host = "mx.far.test",
      .address = kSecond,
      .attempts = {{.host = "mx.far.test", .address = kFirst, .failure = RelayFailure::unreachable}}});
  const Send send = system.handed(process);
  Relaying::answer_all(process, send, kTaken, false);
  system.settle();
  system.send_remote(18);
  system.connected();
  CHECK(system.asked().at(0) == kSecond);
}

TEST_CASE("what a host puts off before it has the content goes to another one in the same attempt") {
  Addresses system;
  const QueueId id = system.send_remote(17);
  system.answer_dns();
  RelayEnd process = system.connected();
  REQUIRE(system.asked() == All{kFirst, kSecond});
  system.handed(process);
  const RecipientOutcome outcome = GENERATE(
      said_at(RelayStage::mail, kBusy), said_at(RelayStage::data, kBusy), said_at(RelayStage::rcpt, kCloses),
      said_at(RelayStage::final_dot, kCloses), cut_at(RelayStage::mail), cut_at(RelayStage::data));
  process.send(Sent{id, {outcome}, false});
  RelayEnd other = system.connected();
  CHECK(system.asked() == All{kSecond});
  const Send again = system.handed(other);
  CHECK(again.queue_id == id);
  CHECK(system.attempts(id) == 0);
  SECTION("which takes it") {
    Relaying::answer_all(other, again, kTaken);
    system.settle();
    CHECK(system.queued_messages() == 0);
  }
  SECTION("which puts it off: that is the attempt, and what is said of it") {
    other.send(Sent{id, {said_at(RelayStage::mail, {451, "4.3.1", "nor here"})}, false});
    CHECK(system.asks_for_no_relay());
    const auto shown = system.show(id);
    CHECK(shown.message.attempts == 1);
    CHECK(shown.targets.at(0).answer.find("nor here") != std::string::npos);
  }
}

TEST_CASE("a Unix socket is no next host of itself, nor is an address that was not in the plan") {
  const bool is_socket = GENERATE(true, false);
  Config config = Addresses::config();
  if (is_socket) config.routes = {{"far.test", routing::Protocol::lmtp, "lists", 0, {}, false}};
  Relaying system{config};
  system.attach_dnsd();
  const QueueId id = system.send_remote(17);
  if (!is_socket) {
    const auto question = system.receive(system.dnsd);
    REQUIRE(question);
    dns::MailHosts found{.outcome = dns::Outcome::answer, .ttl = 3600};
    found.hosts.push_back({.name = "mx.far.test", .outcome = dns::Outcome::answer, .addresses = {kFirst}});
    system.dnsd.send(MailHostsFound{std::get<FindMailHosts>(*question).question, found});
  }
  RelayEnd process = system.relay();
  REQUIRE(process.is_open());
  process.send(
      Connected{.host = "lists", .address = is_socket ? IpAddress{} : kSecond, .tls = "", .attempts = {}});
  system.handed(process);
  process.send(Sent{id, {said_at(RelayStage::mail, kBusy)}, true});
  CHECK(system.asks_for_no_relay());
  CHECK(system.show(id).message.attempts == 1);
}

TEST_CASE("when no other host has a session, the one that had it has the last word") {
  Addresses system;
  const QueueId id = system.send_remote(17);
  system.answer_dns();
  RelayEnd process = system.connected();
  system.handed(process);
  process.send(Sent{id, {said_at(RelayStage::mail, kBusy)}, true});
  RelayEnd other = system.relay();
  REQUIRE(other.is_open());
  SECTION("it cannot be reached") {
    other.send(
        NotConnected{{{.host = "mx.far.test", .address = kSecond, .failure = RelayFailure::unreachable}}});
  }
  SECTION("its process ends") { other.close(); }
  SECTION("it is this system") {
    other.send(NotConnected{{{.host = "mx.far.test", .address = kSecond, .failure = RelayFailure::loop}}});
  }
  SECTION("relayd has no room for it") { system.relayd.send(RelayRefused{system.relay_asked.relay}); }
  CHECK(system.asks_for_no_relay());
  const auto shown = system.show(id);
  CHECK(shown.message.attempts == 1);
  CHECK(shown.targets.at(0).answer.find("no space") != std::string::npos);
  CHECK(system.queued_messages() == 1);
}

TEST_CASE("no other host has at once what waits for a recipient, or may have been taken") {
  Addresses system;
  const QueueId id = system.send_remote(17);
  system.answer_dns();
  RelayEnd process = system.connected();
  system.handed(process);
  SECTION("greylisted") { process.send(Sent{id, {said_at(RelayStage::rcpt, kLater)}, true}); }
  SECTION("put off for its content") {
    process.send(Sent{id, {said_at(RelayStage::final_dot, kBusy)}, true});
  }
  SECTION("cut after the content") { process.send(Sent{id, {cut_at(RelayStage::final_dot)}, false}); }
  SECTION("the process ends") { process.close(); }
  SECTION("this system's own trouble") {
    process.send(
        Sent{id,
             {{.number = 1, .failure = RelayFailure::local, .stage = RelayStage::connect, .reply = {}}},
             false});
  }
  CHECK(system.asks_for_no_relay());
  CHECK(system.attempts(id) == 1);
}

TEST_CASE("a bounded number of hosts has a message in one attempt; the next begins with the others") {
  Addresses system{{kFirst, kSecond, kThird}};
  const QueueId id = system.send_remote(17);
  system.answer_dns();
  RelayEnd one = system.connected();
  system.handed(one);
  one.send(Sent{id, {said_at(RelayStage::mail, kBusy)}, false});
  RelayEnd two = system.connected();
  CHECK(system.asked() == All{kSecond, kThird});
  system.handed(two);
  two.send(Sent{id, {said_at(RelayStage::mail, kBusy)}, false});
  CHECK(system.asks_for_no_relay());
  CHECK(system.attempts(id) == 1);
  system.retry(id);
  RelayEnd three = system.connected();
  CHECK(system.asked() == All{kThird, kFirst, kSecond});
  system.handed(three);
  three.send(Sent{id, {said_at(RelayStage::mail, kBusy)}, false});
  system.connected();
  CHECK(system.asked() == All{kFirst, kSecond});
}

TEST_CASE("whom a host refuses for good before it goes is not offered to the next") {
  Addresses system;
  const QueueId id = system.send_remote(17, 3);
  system.answer_dns();
  RelayEnd process = system.connected();
  REQUIRE(system.handed(process).recipients.size() == 3);
  process.send(Sent{id,
                    {{.number = 1, .stage = RelayStage::rcpt, .reply = kCloses},
                     {.number = 2, .stage = RelayStage::rcpt, .reply = kNever},
                     {.number = 3, .stage = RelayStage::rcpt, .reply = kCloses}},
                    false});
  RelayEnd other = system.connected();
  const Send rest = system.handed(other);
  REQUIRE(rest.recipients.size() == 2);
  CHECK(rest.recipients[0].number == 1);
  CHECK(rest.recipients[1].number == 3);
  Relaying::answer_all(other, rest, kTaken);
  system.settle();
  system.answer_that_nobody_is_there();
  CHECK(system.show(id).targets.at(1).answer.find("no such user") != std::string::npos);
}

TEST_CASE("a message with many recipients goes to the next host as a whole") {
  Addresses system;
  const QueueId id = system.send_remote(17, 150);
  system.answer_dns();
  RelayEnd process = system.connected();
  const Send first = system.handed(process);
  REQUIRE(first.recipients.size() == kMaxOutboundRecipients);
  Sent busy{id, {}, true};
  for (const OutboundRecipient& recipient : first.recipients)
    busy.outcomes.push_back({.number = recipient.number, .stage = RelayStage::mail, .reply = kBusy});
  process.send(busy);
  RelayEnd other = system.connected();
  for (const std::size_t count : {100U, 50U}) {
    const Send part = system.handed(other);
    CHECK(part.recipients.size() == count);
    Relaying::answer_all(other, part, kTaken);
  }
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("a stop waits for no other host") {
  Addresses system;
  const QueueId id = system.send_remote(17);
  system.answer_dns();
  RelayEnd process = system.connected();
  system.handed(process);
  system.server().drain();
  REQUIRE_FALSE(system.has_ended());
  process.send(Sent{id, {said_at(RelayStage::mail, kBusy)}, false});
  CHECK(system.ends());
  system.restart();
  CHECK(system.attempts(id) == 1);
}

TEST_CASE("a host that TLS's rules leave out is reported once, however many hosts an attempt has") {
  Relaying system{patient()};
  system.attach_dnsd();
  system.attach_questions();
  const QueueId id = system.send_remote(17, 1, "mx.test");
  const auto question = system.receive(system.dnsd);
  REQUIRE(question);
  dns::MailHosts found{.outcome = dns::Outcome::answer, .ttl = 3600};
  std::uint16_t preference = 0;
  for (const auto& [name, address] : {std::pair{"x.other.test", kThird},
                                      {"a.mx.test", kFirst},
                                      {"y.other.test", kThird},
                                      {"b.mx.test", kSecond}})
    found.hosts.push_back(
        {.preference = ++preference, .name = name, .outcome = dns::Outcome::answer, .addresses = {address}});
  system.dnsd.send(MailHostsFound{std::get<FindMailHosts>(*question).question, found});
  const auto sts = system.receive(system.questions);
  REQUIRE((sts && std::holds_alternative<FindStsPolicy>(*sts)));
  system.questions.send(StsPolicyFound{.question = std::get<FindStsPolicy>(*sts).question,
                                       .mode = routing::StsMode::enforce,
                                       .mx = {"*.mx.test"},
                                       .problem = {}});
  for (const char* name : {"a.mx.test", "b.mx.test"}) {
    RelayEnd process = system.relay();
    REQUIRE(process.is_open());
    REQUIRE(system.connect_asked.hops.at(0).name == name);
    process.send(Connected{.host = name,
                           .address = system.connect_asked.hops.at(0).addresses.at(0),
                           .tls = "TLSv1.3 X",
                           .verified = true,
                           .attempts = {}});
    system.handed(process);
    process.send(Sent{id, {said_at(RelayStage::mail, kBusy)}, false});
  }
  system.settle();
  system.server().drain();
  const auto told = system.receive(system.questions);
  REQUIRE((told && std::holds_alternative<TlsOutcomes>(*told)));
  std::vector<std::string> hosts;
  for (const TlsOutcome& outcome : std::get<TlsOutcomes>(*told).outcomes) hosts.push_back(outcome.mx);
  CHECK(hosts == std::vector<std::string>{"x.other.test", "a.mx.test", "y.other.test", "b.mx.test"});
}
