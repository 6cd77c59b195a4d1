// Routes that change, and destinations that are held, with relayd and dnsd played by the test.
#include <catch2/catch.hpp>
#include <chrono>

#include "tests/unit/queued/relaying.h"

using namespace mailroom;
using namespace mailroom::queued;
using namespace mailroom::queued::test;

namespace {

std::uint16_t port_of(const Connect& connect) { return connect.hops.at(0).addresses.at(0).port; }

QueuedToTool ask_to(System& system, DestinationChange what, const std::string& key) {
  ToolEnd tool = system.attach_tool();
  tool.send(ChangeDestination{key, what});
  return *system.receive(tool);
}

}  // namespace

TEST_CASE("what waits follows a route that is changed") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17, 2);
  RelayEnd process = system.relay();
  process.send(NotConnected{{{.host = "mx.far.test", .failure = RelayFailure::unreachable}}});
  system.settle();
  reroute(system, 2526);
  RelayEnd other = system.connected();
  CHECK(port_of(system.connect_asked) == 2526);
  const Send send = system.handed(other);
  CHECK(send.queue_id == id);
  CHECK(numbers(send) == std::vector<std::uint32_t>{1, 2});
  Relaying::answer_all(other, send, kTaken);
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE(
    "what is under way when a route is changed ends where it is, and only the rest of it goes the new way") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17, 2);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  reroute(system, 2526);
  system.settle();
  CHECK(system.asks_for_no_relay());
  process.send(Sent{id, {{.number = 1, .reply = kTaken}, {.number = 2, .reply = kLater}}, true});
  RelayEnd other = system.connected();
  CHECK(port_of(system.connect_asked) == 2526);
  CHECK(numbers(system.handed(other)) == std::vector<std::uint32_t>{2});
  CHECK_FALSE(system.receive(process));  // not kept: it was made by a plan that no longer holds
}

TEST_CASE("what is ready when a route is changed goes the new way, also where the reload makes room for it") {
  Config config = patient();
  config.queued.relay_connections = 1;
  Relaying system{config};
  const QueueId one = system.send_remote(17);
  RelayEnd process = system.connected();
  const Send first = system.handed(process);
  REQUIRE(first.queue_id == one);
  const QueueId two = system.send_remote(18);
  system.reconfigure([](Config& changed) {
    changed.routes.at(0).port = 2526;
    changed.queued.relay_connections = 3;
  });
  system.settle();
  REQUIRE(system.queued_messages() == 2);
  RelayEnd other = system.connected();
  CHECK(port_of(system.connect_asked) == 2526);
  const Send second = system.handed(other);
  CHECK(second.queue_id == two);
  Relaying::answer_all(other, second, kTaken);
  Relaying::answer_all(process, first, kTaken);
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("a change of another route leaves what waits as it is") {
  Config config = patient();
  config.routes.push_back(
      {"other.test", routing::Protocol::smtp, "127.0.0.1", 2530, routing::TlsLevel::may, false});
  Relaying system{config};
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  system.reconfigure([](Config& changed) { changed.routes.at(1).port = 2540; });
  Relaying::answer_all(process, send, kLater);
  system.settle();
  CHECK(system.asks_for_no_relay());  // the answer was "later", and a reload is no reason to ask at once
  CHECK(system.show(id).message.attempts == 1);
}

TEST_CASE("a change of routes forgets nothing of a message that two destinations have") {
  Config config = patient();
  config.routes.push_back(
      {"other.test", routing::Protocol::smtp, "127.0.0.1", 2530, routing::TlsLevel::may, false});
  Relaying system{config};
  ConnectionEnd client = system.connect(17, Service::submission);
  system.authorise_remote(17, 1, "far.test");
  const QueueId id = system.authorise_remote(17, 1, "other.test").queue_id;
  client.send(Content{1, true, "Subject: out\r\n\r\nBody\r\n"});
  REQUIRE(system.reply(client).code == 250);
  RelayEnd first = system.connected();
  const Send to_first = system.handed(first);
  RelayEnd second = system.connected();
  const Send to_second = system.handed(second);
  // Both lead to one host from now on, while both are under way.
  system.reconfigure([](Config& changed) {
    for (auto& route : changed.routes) route.port = 2540;
  });
  Relaying::answer_all(first, to_first, kLater);
  system.settle();
  CHECK(system.asks_for_no_relay());
  Relaying::answer_all(second, to_second, kLater);
  RelayEnd both = system.connected();
  const Send send = system.handed(both);
  CHECK(send.queue_id == id);
  CHECK(numbers(send) == std::vector<std::uint32_t>{1, 2});
  Relaying::answer_all(both, send, kTaken);
  system.settle();
  CHECK(system.queued_messages() == 0);
}

namespace {

// Routes of far.test, other.test and third.test to ports of one host.
Config three_routes(std::uint16_t far, std::uint16_t other, std::uint16_t third) {
  Config config = patient();
  config.routes.clear();
  for (const auto& [domain, port] :
       {std::pair{"far.test", far}, {"other.test", other}, {"third.test", third}})
    config.routes.push_back(
        {domain, routing::Protocol::smtp, "127.0.0.1", port, routing::TlsLevel::may, false});
  return config;
}

// One recipient in each of the domains.
QueueId send_to(Relaying& system, const std::vector<std::string>& domains) {
  ConnectionEnd client = system.connect(17, Service::submission);
  QueueId id = 0;
  for (const std::string& domain : domains) id = system.authorise_remote(17, 1, domain).queue_id;
  client.send(Content{1, true, "Subject: out\r\n\r\nBody\r\n"});
  return system.reply(client).code == 250 ? id : 0;
}

void not_there(RelayEnd process) {
  process.send(NotConnected{{{.host = "mx.far.test", .failure = RelayFailure::unreachable}}});
}

}  // namespace

TEST_CASE("two routes that are exchanged send nothing twice that is under way, and lose nothing") {
  Relaying system{three_routes(2525, 2530, 2530)};
  const QueueId id = send_to(system, {"far.test", "other.test"});
  RelayEnd first = system.connected();
  const Send under_way = system.handed(first);
  const bool far_is_under_way = numbers(under_way) == std::vector<std::uint32_t>{1};
  not_there(system.relay());
  system.settle();
  system.reconfigure(
      [](Config& changed) { std::swap(changed.routes.at(0).port, changed.routes.at(1).port); });
  system.retry(id);
  CHECK(system.asks_for_no_relay());
  Relaying::answer_all(first, under_way, kTaken);
  RelayEnd second = system.connected();
  const Send rest = system.handed(second);
  CHECK(numbers(rest) == std::vector<std::uint32_t>{far_is_under_way ? 2U : 1U});
  Relaying::answer_all(second, rest, kTaken);
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("a domain that leads back to where the message has been is not forgotten") {
  Relaying system{three_routes(2525, 2530, 2530)};
  const QueueId id = send_to(system, {"far.test", "other.test", "third.test"});
  for (int i = 0; i < 2; ++i) {
    RelayEnd process = system.relay();
    if (system.connect_asked.hops.at(0).addresses.at(0).port == 2530) {
      not_there(std::move(process));
      continue;
    }
    process.send(Connected{.host = "mx.far.test", .attempts = {}});
    Relaying::answer_all(process, system.handed(process), kTaken, false);
    system.settle();
  }
  REQUIRE(system.show(id).targets.at(0).finished);
  system.reconfigure([](Config& changed) { changed.routes.at(1).port = 2525; });
  system.retry(id);
  std::vector<std::uint32_t> came;
  for (int i = 0; i < 2; ++i) {
    RelayEnd process = system.connected();
    const Send send = system.handed(process);
    for (const std::uint32_t number : numbers(send)) came.push_back(number);
    Relaying::answer_all(process, send, kTaken, false);
  }
  std::ranges::sort(came);
  CHECK(came == std::vector<std::uint32_t>{2, 3});
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("a message that is held while its last recipient is under way is not sent again") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  ToolEnd tool = system.attach_tool();
  tool.send(HoldMessage{id});
  REQUIRE(system.receive(tool));
  Relaying::answer_all(process, send, kTaken, false);
  system.settle();
  CHECK(system.show(id).targets.at(0).finished);
  const bool after_restart = GENERATE(false, true);
  if (after_restart) {
    system.restart();
    system.attach_relayd();
    tool = system.attach_tool();
  }
  tool.send(ReleaseMessage{id});
  REQUIRE(system.receive(tool));
  CHECK(system.asks_for_no_relay());
  system.settle();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("what a host has refused is not sent again while another has the rest of the message") {
  Relaying system{three_routes(2525, 2530, 2540)};
  system.attach_questions();
  ConnectionEnd client = system.connect(17, Service::submission);
  system.authorise_remote(17, 2, "far.test");
  const QueueId id = system.authorise_remote(17, 1, "other.test").queue_id;
  client.send(Content{1, true, "Subject: out\r\n\r\nBody\r\n"});
  REQUIRE(system.reply(client).code == 250);
  RelayEnd far, other;
  for (int i = 0; i < 2; ++i) {
    RelayEnd process = system.connected();
    const bool is_far = system.connect_asked.hops.at(0).addresses.at(0).port == 2525;
    REQUIRE(numbers(system.handed(process)).size() == (is_far ? 2 : 1));
    (is_far ? far : other) = std::move(process);
  }
  far.send(Sent{id,
                {{.number = 1, .stage = RelayStage::rcpt, .reply = kNever},
                 {.number = 2, .stage = RelayStage::rcpt, .reply = kLater}},
                true});
  system.settle();
  system.retry(id);
  const Send rest = system.handed(far);
  CHECK(numbers(rest) == std::vector<std::uint32_t>{2});
  Relaying::answer_all(far, rest, kTaken);
  Relaying::answer_all(other, {.queue_id = id, .recipients = {{.number = 3}}}, kTaken);
  system.answer_that_nobody_is_there();
  CHECK(system.show(id).message.state == MessageState::held);  // as nobody can be told of the first
}

TEST_CASE("what another host has taken is noted before anybody is told so, who is told after a crash") {
  Relaying system{patient()};
  system.attach_questions();
  ConnectionEnd client = system.connect(17, Service::submission);
  system.authorise_remote(17, 1, "far.test", static_cast<std::uint8_t>(Notify::success));
  client.send(Content{1, true, "Subject: out\r\n\r\nBody\r\n"});
  REQUIRE(system.reply(client).code == 250);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kTaken);
  REQUIRE(system.receive(system.questions));  // whom the report would go to
  system.restart();
  system.attach_questions();
  system.attach_relayd();
  CHECK(system.asks_for_no_relay());
  CHECK(system.queued_messages() == 1);
  system.answer_that_nobody_is_there();
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("what another host has taken is noted though a report about the message is under way") {
  Config config = patient();
  config.queued.delay_warning = std::chrono::milliseconds{100};
  Relaying system{config};
  system.attach_questions();
  system.send_remote(17);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  REQUIRE(system.receive(system.questions));  // whom the warning would go to
  Relaying::answer_all(process, send, kTaken);
  system.settle();
  system.restart();
  system.attach_relayd();
  CHECK(system.asks_for_no_relay());
  CHECK(system.queued_messages() == 0);
}

TEST_CASE("the domain \"local\" is not the mailboxes here") {
  Relaying system{patient()};
  system.attach_dnsd();
  const QueueId id = system.send_remote(17, 1, "local");
  const auto question = system.receive(system.dnsd);
  REQUIRE(question);
  CHECK(std::get<FindMailHosts>(*question).domain == "local");
  CHECK(std::holds_alternative<QueueChanged>(ask_to(system, DestinationChange::hold, "local.")));
  CHECK(system.show(id).message.state != MessageState::held);
}

TEST_CASE("a message that an operator holds stays held when routes change") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.relay();
  process.send(NotConnected{{{.host = "mx.far.test", .failure = RelayFailure::unreachable}}});
  system.settle();
  ToolEnd tool = system.attach_tool();
  tool.send(HoldMessage{id});
  REQUIRE(system.receive(tool));
  reroute(system, 2526);
  CHECK(system.asks_for_no_relay());
  CHECK(system.show(id).message.state == MessageState::held);
  tool.send(ReleaseMessage{id});
  CHECK(system.relay().is_open());
}

TEST_CASE("a destination stays held when queued is started again") {
  Relaying system{patient()};
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kLater);
  system.settle();
  CHECK(std::holds_alternative<QueueChanged>(ask_to(system, DestinationChange::hold, "smtp:127.0.0.1:2525")));
  system.restart();
  system.attach_relayd();
  system.retry(id);
  CHECK(system.asks_for_no_relay());
  CHECK(std::holds_alternative<QueueChanged>(
      ask_to(system, DestinationChange::release, "smtp:127.0.0.1:2525")));
  CHECK(system.relay().is_open());
  system.restart();
  system.attach_relayd();
  system.retry(id);
  CHECK(system.relay().is_open());
}
