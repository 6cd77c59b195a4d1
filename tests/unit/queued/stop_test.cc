// A stop while mail is under way to other hosts.
#include "tests/unit/queued/relaying.h"

using namespace mailroom;
using namespace mailroom::queued;
using namespace mailroom::queued::test;

namespace {

std::uint32_t attempts(Relaying& system, QueueId id) { return system.show(id).message.attempts; }

}  // namespace

TEST_CASE("a stop waits for what was handed over, and writes down what came of it") {
  Relaying system{patient()};
  system.send_remote(17);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  system.server().drain();
  CHECK_FALSE(system.receive(process));  // the end of what it reads, at which it finishes
  REQUIRE_FALSE(system.has_ended());
  Relaying::answer_all(process, send, kTaken, false);
  REQUIRE(system.ends());
  system.restart();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("a stop does not wait for what was not handed over, nor begin anything") {
  Relaying system{patient()};
  const QueueId first = system.send_remote(17);
  RelayEnd connecting = system.relay();
  REQUIRE(connecting.is_open());
  const QueueId second = system.send_remote(18);
  RelayEnd other = system.relay();
  system.server().drain();
  CHECK_FALSE(system.receive(connecting));
  connecting.send(Connected{.host = "mx.far.test", .attempts = {}});
  REQUIRE(system.ends());
  system.restart();
  for (const QueueId id : {first, second}) CHECK(attempts(system, id) == 0);
  system.attach_relayd();
  CHECK(system.relay().is_open());  // at once
}

TEST_CASE("a process that has nothing to say at a stop leaves its message as it was") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.connected();
  system.handed(process);
  system.server().drain();
  process.close();
  REQUIRE(system.ends());
  system.restart();
  CHECK(attempts(system, id) == 0);
}

TEST_CASE("of a message in several transactions a stop ends the one that is under way") {
  Relaying system{patient()};
  system.send_remote(17, 150);
  RelayEnd process = system.connected();
  const Send first = system.handed(process);
  const bool reusable = GENERATE(false, true);
  system.server().drain();
  Relaying::answer_all(process, first, kTaken, reusable);
  REQUIRE(system.ends());
  CHECK_FALSE(system.receive(process));
  system.restart();
  system.attach_relayd();
  RelayEnd again = system.connected();
  const Send rest = system.handed(again);
  CHECK(rest.recipients.size() == 50);
  CHECK(rest.recipients.front().number == kMaxOutboundRecipients + 1);
}

TEST_CASE("an answer that does not come ends no stop") {
  Config config = patient();
  config.relayd.stop_timeout = std::chrono::milliseconds{1};
  Relaying system{config};
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.connected();
  system.handed(process);
  system.server().drain();
  REQUIRE(system.ends(std::chrono::seconds{10}));
  system.restart();
  CHECK(attempts(system, id) == 0);
}

TEST_CASE("a report of success is in the queue, and its message done, before a stop ends") {
  Relaying system{patient()};
  system.attach_questions();
  ConnectionEnd client = system.connect(17, Service::submission);
  const QueueId id =
      system.authorise_remote(17, 1, "far.test", static_cast<std::uint8_t>(Notify::success)).queue_id;
  client.send(Content{1, true, "Subject: out\r\n\r\nBody\r\n"});
  REQUIRE(system.reply(client).code == 250);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  Relaying::answer_all(process, send, kTaken);
  const auto asked = system.receive(system.questions);
  REQUIRE(asked);
  system.server().drain();
  REQUIRE_FALSE(system.has_ended());
  system.questions.send(
      AddressResolved{std::get<ResolveAddress>(*asked).question, false, {"sender@example.net", {3}, {}, {}}});
  REQUIRE(system.ends());
  system.restart();
  system.attach_deliverd();
  const Deliver report = system.delivery();
  CHECK(report.id.queue_id != id);
  CHECK(report.content.find("Action: relayed") != std::string::npos);
  CHECK(system.queued_messages() == 1);
}

TEST_CASE("what came of TLS is told before a stop ends") {
  Relaying system{patient()};
  system.attach_dnsd();
  system.attach_questions();
  system.send_remote(17, 1, "mx.test");
  const auto question = system.receive(system.dnsd);
  REQUIRE(question);
  dns::MailHosts found{.outcome = dns::Outcome::answer, .ttl = 3600};
  found.hosts.push_back({.preference = 10,
                         .name = "a.mx.test",
                         .outcome = dns::Outcome::answer,
                         .addresses = {*parse_ip_and_port("192.0.2.1:1")}});
  system.dnsd.send(MailHostsFound{std::get<FindMailHosts>(*question).question, found});
  const auto sts = system.receive(system.questions);
  REQUIRE((sts && std::holds_alternative<FindStsPolicy>(*sts)));
  system.questions.send(
      StsPolicyFound{.question = std::get<FindStsPolicy>(*sts).question, .mx = {}, .problem = {}});
  RelayEnd process = system.relay();
  process.send(NotConnected{{{.host = "a.mx.test", .failure = RelayFailure::tls_unavailable}}});
  system.settle();
  system.server().drain();
  const auto told = system.receive(system.questions);
  REQUIRE((told && std::holds_alternative<TlsOutcomes>(*told)));
  const auto& outcomes = std::get<TlsOutcomes>(*told);
  REQUIRE(outcomes.outcomes.size() == 1);
  CHECK(outcomes.outcomes[0].result == "starttls-not-supported");
  REQUIRE_FALSE(system.has_ended());
  SECTION("and counted") {
    system.questions.send(TlsOutcomesCounted{outcomes.question});
    CHECK(system.ends());
  }
  SECTION("or policyd is away") {
    system.questions.close();
    CHECK(system.ends());
  }
}
