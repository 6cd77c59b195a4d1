// Warnings of delays and the end of a message's lifetime, with relayd and dnsd played by the test.
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "tests/unit/queued/relaying.h"

using namespace mailroom;
using namespace mailroom::queued;
using namespace mailroom::queued::test;

namespace {

Config short_lived() {
  Config config = patient();
  config.queued.lifetime = std::chrono::seconds{0};
  return config;
}

}  // namespace

TEST_CASE("a message whose time is over stays in the queue until its sender is told of a refusal") {
  Config config = patient();
  config.queued.lifetime = std::chrono::milliseconds{100};
  config.queued.delay_warning =
      std::chrono::milliseconds{99};  // its deadlines are looked at from the beginning
  Relaying system{config};
  system.attach_questions();
  const QueueId id = system.send_remote(17, 2);
  RelayEnd process = system.connected();
  system.handed(process);
  process.send(Sent{id,
                    {{.number = 1, .stage = RelayStage::rcpt, .reply = kNever},
                     {.number = 2, .stage = RelayStage::rcpt, .reply = GENERATE(kNever, kLater)}},
                    true});
  system.settle();
  std::this_thread::sleep_for(std::chrono::milliseconds{100});
  system.settle();
  REQUIRE(system.queued_messages() == 1);
  system.answer_that_nobody_is_there();
  CHECK(system.show(id).message.state == MessageState::held);
  CHECK(system.asks_for_no_relay());
}

TEST_CASE("what a sender is being told has failed is not sent, whatever an operator does") {
  Relaying system{short_lived()};
  system.attach_questions();
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kLater, false);
  system.settle();
  ToolEnd tool = system.attach_tool();
  tool.send(HoldMessage{id});
  REQUIRE(system.receive(tool));
  tool.send(ReleaseMessage{id});
  REQUIRE(system.receive(tool));
  CHECK(system.asks_for_no_relay());
  system.answer_that_nobody_is_there();
  CHECK(system.show(id).message.state == MessageState::held);
  tool.send(ReleaseMessage{id});
  REQUIRE(system.receive(tool));
  RelayEnd again = system.connected();
  CHECK(numbers(system.handed(again)) == std::vector<std::uint32_t>{1});
}

TEST_CASE("a warning of a delay that fell due while routes changed is sent") {
  Config config = patient();
  config.queued.delay_warning = std::chrono::seconds{1};
  Relaying system{config};
  system.attach_questions();
  system.send_remote(17);
  RelayEnd process = system.connected();
  const Send send = system.handed(process);
  reroute(system, 2526);
  system.settle();
  std::this_thread::sleep_for(std::chrono::milliseconds{1100});
  CHECK(system.is_silent(system.questions));
  Relaying::answer_all(process, send, kLater);
  CHECK(system.receive(system.questions));  // whom the warning would go to
}

namespace {
constexpr const char* kLocalMail = "Subject: in\r\n\r\nBody\r\n";
}  // namespace

TEST_CASE("an operator sees when a message is tried next, if it is") {
  Relaying system;
  const QueueId id = system.send_remote(17);
  RelayEnd process = system.connected();
  Relaying::answer_all(process, system.handed(process), kLater);
  system.settle();
  CHECK(system.show(id).message.next_attempt > 0);
  ToolEnd tool = system.attach_tool();
  const auto change = [&](const ToolToQueued& request) {
    tool.send(request);
    const auto changed = system.receive(tool);
    REQUIRE(changed);
    REQUIRE(std::holds_alternative<QueueChanged>(*changed));
  };
  const std::string key = system.show(id).targets.at(0).destination;
  change(ChangeDestination{key, DestinationChange::hold});
  CHECK(system.show(id).message.next_attempt == 0);
  change(HoldMessage{id});
  change(ChangeDestination{key, DestinationChange::release});
  CHECK(system.show(id).message.next_attempt == 0);
  change(ReleaseMessage{id});
  CHECK(system.show(id).message.next_attempt > 0);
}

TEST_CASE("a warning of a delay takes nothing from a message that is under way") {
  Config config = patient();
  config.queued.delay_warning = std::chrono::milliseconds{100};
  Relaying system{config};
  system.attach_questions();
  system.attach_deliverd();
  SECTION("to another host, while the connection is made") {
    system.send_remote(17);
    RelayEnd process = system.relay();
    REQUIRE(system.receive(system.questions));  // whom the warning would go to
    process.send(
        Connected{.host = "mx.far.test", .address = *parse_ip_and_port("127.0.0.1:2525"), .attempts = {}});
    CHECK(system.handed(process).content == "Subject: out\r\n\r\nBody\r\n");
  }
  SECTION("into a mailbox, when deliverd is started again") {
    ConnectionEnd client = system.connect(17);
    system.authorise(17, 1, {3});
    client.send(Content{1, true, kLocalMail});
    REQUIRE(system.reply(client).code == 250);
    CHECK(system.delivery().content == kLocalMail);
    REQUIRE(system.receive(system.questions));
    system.attach_deliverd();
    CHECK(system.delivery().content == kLocalMail);
  }
}
