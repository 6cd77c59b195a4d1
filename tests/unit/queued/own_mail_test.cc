// What policyd submits for the system itself.
#include <catch2/catch.hpp>

#include "tests/unit/queued/system.h"

using namespace mailroom;
using namespace mailroom::queued::test;

namespace {

SubmitMessage notice() {
  return {.number = 7,
          .reverse_path = "",
          .eight_bit = false,
          .recipient = {"anna@campus.example", {3}, "", {}},
          .content = "Subject: notice\r\n\r\nWell.\r\n"};
}

QueueId submit(System& system, const SubmitMessage& message) {
  system.policyd.send(message);
  const auto answer = system.receive(system.policyd);
  REQUIRE(answer);
  REQUIRE(std::holds_alternative<Submitted>(*answer));
  CHECK(std::get<Submitted>(*answer).number == message.number);
  return std::get<Submitted>(*answer).queue_id;
}

}  // namespace

TEST_CASE("what policyd submits is durable when it is answered, and is delivered") {
  System system;
  const QueueId id = submit(system, notice());
  REQUIRE(id != 0);
  system.restart();
  system.attach_deliverd();
  const Deliver delivery = system.delivery();
  CHECK(delivery.id.queue_id == id);
  CHECK(delivery.account == 3);
  CHECK(delivery.content == notice().content);
}

TEST_CASE("what is no message, or for nobody, is not taken") {
  System system;
  auto message = notice();
  message.recipient.accounts.clear();
  CHECK(submit(system, message) == 0);
  for (const std::string content : {"", "no line end", "bare\nline end\r\n", "bare\rreturn\r\n"}) {
    message = notice();
    message.content = content;
    CHECK(submit(system, message) == 0);
  }
  message = notice();
  message.content = std::string(kMaxSubmitted, 'x') + "\r\n";
  CHECK(submit(system, message) == 0);
  CHECK(submit(system, notice()) != 0);
}
