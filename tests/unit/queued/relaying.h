// A queued that sends mail to other hosts, with relayd played by the test.
#pragma once

#include <catch2/catch.hpp>

#include <variant>

#include "tests/unit/queued/system.h"

namespace mailroom::queued::test {

inline const Reply kTaken{250, "2.0.0", "taken"}, kLater{451, "4.7.1", "greylisted"},
    kNever{550, "5.1.1", "no such user"};

struct Relaying : System {
  explicit Relaying(Config config = small_config()) : System{std::move(config)} { attach_relayd(); }

  RelayEnd connected() {
    RelayEnd process = relay();
    REQUIRE(process.is_open());
    process.send(
        Connected{.host = "mx.far.test", .address = *parse_ip_and_port("127.0.0.1:2525"), .attempts = {}});
    return process;
  }
  // Answers for all recipients of what was handed over.
  static void answer_all(RelayEnd& process, const Send& send, const Reply& reply, bool reusable = true) {
    Sent sent{send.queue_id, {}, reusable};
    for (const OutboundRecipient& recipient : send.recipients)
      sent.outcomes.push_back({.number = recipient.number, .reply = reply});
    process.send(sent);
  }
  std::uint64_t queued_messages() {
    ToolEnd tool = attach_tool();
    tool.send(CountQueue{});
    const auto answer = receive(tool);
    return answer ? std::get<QueueCount>(*answer).messages : UINT64_MAX;
  }
  MessageShown show(QueueId id) {
    ToolEnd tool = attach_tool();
    tool.send(ShowMessage{id});
    const auto answer = receive(tool);
    REQUIRE(answer);
    REQUIRE(std::holds_alternative<MessageShown>(*answer));
    return std::get<MessageShown>(*answer);
  }
  void retry(QueueId id) {
    ToolEnd tool = attach_tool();
    tool.send(RetryMessage{id});
    CHECK(std::get<QueueChanged>(*receive(tool)).messages == 1);
  }
};

// With connections that are kept.
inline Config patient() {
  Config config = System::small_config();
  config.queued.relay_idle = std::chrono::seconds{60};
  return config;
}

// Which of the message's recipients.
inline std::vector<std::uint32_t> numbers(const Send& send) {
  std::vector<std::uint32_t> out;
  for (const auto& recipient : send.recipients) out.push_back(recipient.number);
  return out;
}

// The first route leads to another port from now on.
inline void reroute(System& system, std::uint16_t port) {
  system.reconfigure([port](Config& config) { config.routes.at(0).port = port; });
}

}  // namespace mailroom::queued::test
