// Mail to other hosts, with relayd and dnsd played by the test.
#include <catch2/catch.hpp>
#include <chrono>

#include "tests/unit/queued/relaying.h"

using namespace mailroom;
using namespace mailroom::queued;
using namespace mailroom::queued::test;

TEST_CASE("a message for a fixed route goes to its host, and the next one over the same connection") {
  Relaying system{patient()};
  const QueueId one = system.send_remote(17);
  RelayEnd process = system.relay();
  REQUIRE(process.is_open());
  REQUIRE(system.connect_asked.hops.size() == 1);
  CHECK(system.connect_asked.hops[0].addresses.front() == *parse_ip_and_port("127.0.0.1:2525"));
  CHECK(system.relay_asked.route == 0);
  process.send(
      Connected{.host = "mx.far.test", .address = *parse_ip_and_port("127.0.0.1:2525"), .attempts = {}});
  const Send send = system.handed(process);
  CHECK(send.queue_id == one);
  CHECK(send.reverse_path == "sender@example.net");
  CHECK(send.content.ends_with("Subject: out\r\n\r\nBody\r\n"));
  REQUIRE(send.recipients.size() == 1);
  CHECK(send.recipients[0].address == "user1@far.test");
  Relaying::answer_all(process, send, kTaken);
  system.settle();
  CHECK(system.queued_messages() == 0);

  const QueueId two = system.send_remote(18);
  const Send next = system.handed(process);
  CHECK(next.queue_id == two);
  Relaying::answer_all(process, next, kTaken);
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE(
    "a host that takes no more over a connection that was kept gets the message over another, at once") {
  Relaying system{patient()};
  system.send_remote(17);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kTaken);
  system.settle();
  const QueueId id = system.send_remote(18);
  REQUIRE(system.handed(process).queue_id == id);
  const RecipientOutcome outcome = GENERATE(
      RecipientOutcome{.number = 1, .stage = RelayStage::mail, .reply = {421, "4.7.0", "enough"}},
      RecipientOutcome{.number = 1, .failure = RelayFailure::cut, .stage = RelayStage::connect, .reply = {}});
  process.send(Sent{id, {outcome}, false});
  RelayEnd other = system.connected();
  const Send send = system.handed(other);
  CHECK(send.queue_id == id);
  CHECK(system.show(id).message.attempts == 0);
  SECTION("where it is a refusal like any other") {
    other.send(Sent{id, {outcome}, false});
    system.settle();
    CHECK(system.asks_for_no_relay());
    CHECK(system.show(id).message.attempts == 1);
  }
  SECTION("which takes it") {
    Relaying::answer_all(other, send, kTaken);
    system.settle();
    CHECK(system.queued_messages() == 0);
  }
}

TEST_CASE("a process is waited for longer than all the time that it has itself") {
  Config config;
  const auto message = GENERATE(std::chrono::minutes{1}, std::chrono::hours{1}, std::chrono::hours{24});
  config.relayd.message_timeout = message;
  const auto limits = RelayDesk::Limits::of(config);
  CHECK(limits.send > std::chrono::milliseconds{message});
  CHECK(limits.connect > kOpeningTime);
}

TEST_CASE("a connection that is not used is closed after a while") {
  Config config = System::small_config();
  config.queued.relay_idle = std::chrono::milliseconds{1};
  Relaying system{config};
  system.send_remote(17);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kTaken);
  CHECK_FALSE(system.receive(process));
}

TEST_CASE("each recipient has its own outcome, and only what was not taken is sent again") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17, 3);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  REQUIRE(numbers(send) == std::vector<std::uint32_t>{1, 2, 3});
  process.send(Sent{id,
                    {{.number = 1, .reply = kTaken},
                     {.number = 2, .stage = RelayStage::rcpt, .reply = kLater},
                     {.number = 3, .reply = kTaken}},
                    true});
  system.settle();
  const auto shown = system.show(id);
  CHECK(shown.message.state == MessageState::waiting);
  CHECK(shown.message.problem == "451 4.7.1 greylisted");
  CHECK(shown.message.attempts == 1);
  CHECK(shown.targets.at(0).finished);
  CHECK_FALSE(shown.targets.at(1).finished);

  const bool after_restart = GENERATE(false, true);
  if (after_restart) {
    system.restart();
    system.attach_relayd();
  }
  system.retry(id);
  RelayEnd again = after_restart ? system.connected() : std::move(process);
  const Send rest = system.handed(again);
  CHECK(numbers(rest) == std::vector<std::uint32_t>{2});
  Relaying::answer_all(again, rest, kTaken);
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("a message with many recipients goes in several transactions, recorded one by one") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17, 150);
  RelayEnd process = system.connected();
  const Send first = system.handed(process);
  CHECK(first.recipients.size() == kMaxOutboundRecipients);
  Relaying::answer_all(process, first, kTaken);
  const Send second = system.handed(process);
  CHECK(second.queue_id == id);
  CHECK(second.recipients.front().number == kMaxOutboundRecipients + 1);
  system.settle();
  system.restart();  // in the middle
  system.attach_relayd();
  RelayEnd again = system.connected();
  const Send rest = system.handed(again);
  CHECK(rest.recipients.size() == 50);
  CHECK(rest.recipients.front().number == kMaxOutboundRecipients + 1);
  Relaying::answer_all(again, rest, kTaken, false);
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("what is left of a message goes over another connection when the first takes no more") {
  Relaying system{patient()};
  system.send_remote(17, 120);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kTaken, false);
  RelayEnd other = system.connected();
  const Send rest = system.handed(other);
  CHECK(rest.recipients.size() == 20);
  Relaying::answer_all(other, rest, kTaken);
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("a recipient refused for good is not sent again") {
  Relaying system{patient()};
  system.attach_questions();
  const QueueId id = system.send_remote(17, 2);
  RelayEnd process = system.connected();
  system.handed(process);
  process.send(Sent{
      id, {{.number = 1, .reply = kTaken}, {.number = 2, .stage = RelayStage::rcpt, .reply = kNever}}, true});
  system.answer_that_nobody_is_there();
  const auto shown = system.show(id);
  CHECK(shown.message.state == MessageState::held);  // as nobody can be told
  CHECK(shown.message.problem.find("550 5.1.1 no such user") != std::string::npos);
  CHECK(shown.targets.at(0).finished);
  ToolEnd tool = system.attach_tool();
  tool.send(ReleaseMessage{id});
  system.receive(tool);
  CHECK(numbers(system.handed(process)) == std::vector<std::uint32_t>{2});
}

TEST_CASE("a process that dies is not believed about anything, and its message is tried again") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  process.close();
  system.settle();
  CHECK(system.show(id).message.state == MessageState::waiting);
  CHECK(system.show(id).message.problem.find("4.4.2") == 0);
  system.retry(id);
  RelayEnd again = system.connected();
  CHECK(system.handed(again).queue_id == id);
}

TEST_CASE("a process is believed only about what it was handed") {
  Relaying system{patient()};
  const QueueId other = system.send_remote(16);
  RelayEnd first = system.connected();
  REQUIRE(system.handed(first).queue_id == other);
  const QueueId id = system.send_remote(17, 2);
  RelayEnd process = system.connected();
  REQUIRE(system.handed(process).queue_id == id);
  const RelayToQueued lie = GENERATE_COPY(
      RelayToQueued{Sent{other, {{.number = 1, .reply = kTaken}}, true}},
      RelayToQueued{Sent{id, {{.number = 1, .reply = kTaken}}, true}},
      RelayToQueued{Sent{id, {{.number = 1, .reply = kTaken}, {.number = 3, .reply = kTaken}}, true}},
      RelayToQueued{Sent{id, {{.number = 1, .reply = kTaken}, {.number = 1, .reply = kTaken}}, true}},
      RelayToQueued{
          Sent{id, {{.number = 1, .reply = kTaken}, {.number = 2, .reply = kTaken}, {.number = 2}}, true}},
      RelayToQueued{Connected{.host = "x", .attempts = {}}}, RelayToQueued{NotConnected{}});
  process.send(lie);
  CHECK_FALSE(system.receive(process));  // it is cut off
  CHECK_FALSE(system.show(id).targets.at(0).finished);
  CHECK_FALSE(system.show(id).targets.at(1).finished);
  CHECK(system.show(other).message.state == MessageState::active);
  system.retry(id);
  system.settle();
  Relaying::answer_all(first, {.queue_id = other, .recipients = {{.number = 1}}}, kTaken);
  CHECK(numbers(system.handed(first)) == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("an answer that comes twice counts once") {
  Relaying system{patient()};
  system.send_remote(17);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  Relaying::answer_all(process, send, kTaken);
  Relaying::answer_all(process, send, kTaken);
  system.settle();
  CHECK(system.queued_messages() == 0);
  CHECK_FALSE(process.receive(RelayEnd::Wait::no));
}

TEST_CASE("without a connection the destination waits as a whole") {
  Relaying system{patient()};
  const QueueId one = system.send_remote(17);
  RelayEnd process = system.relay();
  process.send(
      NotConnected{{{.host = "mx.far.test", .failure = RelayFailure::unreachable, .detail = "refused"}}});
  system.settle();
  CHECK(system.show(one).message.problem == "4.4.1 the host cannot be reached: refused");
  system.send_remote(18);
  CHECK(system.asks_for_no_relay());
  system.retry(one);
  CHECK(system.relay().is_open());
}

TEST_CASE(
    "trouble of this system's own is not said to be the far side's, nor is the destination left alone") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.connected();
  system.handed(process);
  process.send(Sent{id, {{.number = 1, .failure = RelayFailure::local, .reply = {}}}, false});
  system.settle();
  CHECK(system.show(id).message.problem == "4.3.0 this system had trouble of its own");
  system.send_remote(18);
  CHECK(system.relay().is_open());
}

TEST_CASE("a removed message is not heard of again, wherever it was") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.relay();
  const bool handed_over = GENERATE(false, true);
  const Connected connected{.host = "mx.far.test", .address = {}, .attempts = {}};
  Send send{.queue_id = id};
  if (handed_over) {
    process.send(connected);
    send = system.handed(process);
  }
  ToolEnd tool = system.attach_tool();
  tool.send(RemoveMessage{id});
  system.receive(tool);
  handed_over ? Relaying::answer_all(process, send, kTaken) : void(process.send(connected));
  system.settle();
  CHECK(system.queued_messages() == 0);
  const QueueId next = system.send_remote(18);  // the connection is as good as before
  CHECK(system.handed(process).queue_id == next);
}

TEST_CASE("when relayd has no room, or is not there, the message is tried again soon") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.relay();
  system.relayd.send(RelayRefused{system.relay_asked.relay});
  const RelayEnd second = system.relay();
  CHECK(second.is_open());
  system.relayd.close();
  system.settle();
  system.send_remote(18);
  system.settle();
  system.attach_relayd();
  CHECK(system.relay().is_open());
  CHECK(system.show(id).message.attempts == 0);
}

TEST_CASE("a domain without a route is asked about once, and its hosts are tried") {
  Relaying system{patient()};
  system.attach_dnsd();
  system.send_remote(17, 1, "mx.test");
  const auto question = system.receive(system.dnsd);
  REQUIRE(question);
  const auto& asked = std::get<FindMailHosts>(*question);
  CHECK(asked.domain == "mx.test");
  CHECK_FALSE(asked.fixed);
  system.send_remote(18, 1, "mx.test");
  dns::MailHosts found{.outcome = dns::Outcome::answer, .ttl = 3600};
  found.hosts.push_back({.preference = 10,
                         .name = "a.mx.test",
                         .outcome = dns::Outcome::answer,
                         .addresses = {*parse_ip_and_port("192.0.2.1:1")}});
  SECTION("found") {
    system.attach_questions();
    system.dnsd.send(MailHostsFound{asked.question, found});
    const auto sts = system.receive(system.questions);
    REQUIRE((sts && std::holds_alternative<FindStsPolicy>(*sts)));
    system.questions.send(
        StsPolicyFound{.question = std::get<FindStsPolicy>(*sts).question, .mx = {}, .problem = {}});
    RelayEnd one = system.connected(), two = system.connected();
    CHECK(system.connect_asked.hops.at(0).name == "a.mx.test");
    CHECK(system.connect_asked.hops.at(0).addresses.at(0) == *parse_ip_and_port("192.0.2.1:25"));
    system.handed(one);
    system.handed(two);
    system.send_remote(19, 1, "mx.test");
    CHECK(system.is_silent(system.dnsd));
  }
  SECTION("nobody knows the MTA-STS policy: mail waits") {
    system.questions.close();
    system.settle();
    system.dnsd.send(MailHostsFound{asked.question, found});
    system.settle();
    CHECK(system.asks_for_no_relay());
  }
  SECTION("no mail there") {
    system.attach_questions();
    system.dnsd.send(MailHostsFound{asked.question, {.outcome = dns::Outcome::answer, .null_mx = true}});
    system.answer_that_nobody_is_there();
    ToolEnd tool = system.attach_tool();
    tool.send(CountQueue{});
    CHECK(std::get<QueueCount>(*system.receive(tool)).held == 2);
  }
  SECTION("dnsd goes away") {
    system.dnsd.close();
    system.settle();
    CHECK(system.asks_for_no_relay());
    CHECK(system.queued_messages() == 2);
  }
  SECTION("an answer to another question") {
    system.dnsd.send(MailHostsFound{asked.question + 7, found});
    CHECK(system.asks_for_no_relay());
  }
}

TEST_CASE("local and remote recipients of a message go their ways") {
  Relaying system{patient()};
  system.attach_deliverd();
  ConnectionEnd client = system.connect(17, Service::submission);
  const QueueId id = system.authorise(17, 1, {3}).queue_id;
  system.authorise_remote(17);
  client.send(Content{1, true, "Subject: both\r\n\r\nBody\r\n"});
  REQUIRE(system.reply(client).code == 250);
  const Deliver deliver = system.delivery();
  CHECK(deliver.id == DeliveryId{id, 1});
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  CHECK(numbers(send) == std::vector<std::uint32_t>{2});
  system.answer(Delivered{{deliver.id}});
  system.settle();
  CHECK(system.queued_messages() == 1);
  Relaying::answer_all(process, send, kTaken);
  system.settle();
  CHECK(system.queued_messages() == 0);
}

// ---- RFC 3461

namespace {

// Whether a report is made of what a host says of a message with this NOTIFY.
bool is_reported(routing::Protocol protocol, bool dsn, std::uint8_t notify, const Reply& reply) {
  Config config = patient();
  config.routes.front().protocol = protocol;
  Relaying system{config};
  system.attach_questions();
  ConnectionEnd client = system.connect(17, Service::submission);
  system.authorise_remote(17, 1, "far.test", notify);
  client.send(Content{1, true, "Subject: out\r\n\r\nBody\r\n"});
  REQUIRE(system.reply(client).code == 250);
  RelayEnd process = system.relay();
  REQUIRE(process.is_open());
  process.send(Connected{
      .host = "mx.far.test", .address = *parse_ip_and_port("127.0.0.1:2525"), .dsn = dsn, .attempts = {}});
  const Send send = system.handed(process);
  CHECK(send.recipients.at(0).notify == notify);
  CHECK(send.reverse_path == "sender@example.net");  // 5.2.2 (d) allows a null one for NEVER; it is not used
  Relaying::answer_all(process, send, reply);
  system.settle();
  const auto question = system.questions.receive(QuestionsEnd::Wait::no, 1);
  if (!question) CHECK(system.queued_messages() == 0);
  return question.has_value();
}

}  // namespace

TEST_CASE("RFC 3461 5.2: which replies are reported, by what was asked and what the host can do") {
  constexpr auto kNone = static_cast<std::uint8_t>(Notify::unset),
                 kAskedNever = static_cast<std::uint8_t>(Notify::never),
                 kSuccess = static_cast<std::uint8_t>(Notify::success),
                 kFailure = static_cast<std::uint8_t>(Notify::failure),
                 kDelay = static_cast<std::uint8_t>(Notify::delay);
  constexpr auto kSmtp = routing::Protocol::smtp, kLmtp = routing::Protocol::lmtp;
  struct Row {
    const char* section;
    routing::Protocol protocol;
    bool dsn;
    std::uint8_t notify;
    Reply reply;
    bool reported;
  };
  const Row rows[] = {
      {"5.2.1: who supports DSN reports successes itself", kSmtp, true, kSuccess, kTaken, false},
      {"5.2.1: nobody asked", kSmtp, true, kNone, kTaken, false},
      {"5.2.1, 5.2.6 (a): a refusal is this system's to report", kSmtp, true, kFailure, kNever, true},
      {"5.2.1, 5.2.6 (c): the same", kSmtp, true, kNone, kNever, true},
      {"5.2.1, 5.2.6 (b): NEVER", kSmtp, true, kAskedNever, kNever, false},
      {"5.2.2 (b): SUCCESS, taken: relayed", kSmtp, false, kSuccess, kTaken, true},
      {"5.2.2 (c): FAILURE, refused", kSmtp, false, kFailure, kNever, true},
      {"5.2.2 (c): FAILURE, taken", kSmtp, false, kFailure, kTaken, false},
      {"5.2.2 (d): NEVER, taken", kSmtp, false, kAskedNever, kTaken, false},
      {"5.2.2 (d): NEVER, refused", kSmtp, false, kAskedNever, kNever, false},
      {"5.2.2 (e): nothing asked, taken", kSmtp, false, kNone, kTaken, false},
      {"5.2.2 (f): nothing asked, refused", kSmtp, false, kNone, kNever, true},
      {"5.2.6 (b): SUCCESS alone, refused", kSmtp, false, kSuccess, kNever, false},
      {"5.2.6 (b): DELAY alone, refused", kSmtp, false, kDelay, kNever, false},
      {"5.2.3 (a): SUCCESS, delivered by LMTP", kLmtp, true, kSuccess, kTaken, true},
      {"5.2.3 (b): FAILURE, delivered", kLmtp, false, kFailure, kTaken, false},
      {"5.2.3 (c): nothing asked, delivered", kLmtp, false, kNone, kTaken, false},
  };
  for (const Row& row : rows) {
    INFO(row.section);
    CHECK(is_reported(row.protocol, row.dsn, row.notify, row.reply) == row.reported);
  }
}
