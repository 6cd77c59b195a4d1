// The end of a message's lifetime, with relayd and dnsd played by the test.
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
