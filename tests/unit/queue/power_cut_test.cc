// The power fails, or the process is killed, after any call to the disk: nothing that was acknowledged is
// lost, nothing that was refused comes back.
#include <catch2/catch.hpp>

#include "tests/unit/queue/bench.h"

using namespace mailroom::queue;
using namespace mailroom::queue::test;

namespace {

struct Cut {};  // thrown out of a call to the disk

class Story {
 public:
  explicit Story(unsigned seed) : random_{seed} {}

  // Works until a random call, then loses the power (or only the process), and checks what is left.
  void live_and_die() {
    calls_left_ = 1 + static_cast<int>(random_() % 60);
    MemoryStorage left;  // taken at the cut: unwinding is no part of a power failure
    bench_.disk.fault = [&](auto&, auto&) -> Errno {
      if (--calls_left_ != 0) return 0;
      left = random_() % 3 == 0 ? bench_.disk.after_kill() : bench_.disk.after_power_cut(random_);
      throw Cut{};
    };
    try {
      for (;;) act();
    } catch (const Cut&) {
    }
    bench_.disk.fault = [](auto&, auto&) { return 0; };
    bench_.restart(std::move(left));
    check();
  }

 private:
  struct Message {
    std::size_t length = 0;
    std::shared_ptr<std::optional<Outcome>> outcome;
    bool ended = false;  // Finished was recorded
  };

  void act() {
    switch (random_() % 5) {
    case 0:
    case 1:
      return send();
    case 2:
      return end_one();
    case 3:
      bench_.content_worker.step();
      return;
    default:
      bench_.log_worker.step();
      return;
    }
  }

  void send() {
    Message message{.length = random_() % 4 == 0 ? 6000u : 20 + random_() % 2000, .outcome = no_outcome()};
    const Id next = bench_.queue->new_id() + 1;
    messages_[next] = message;
    bench_.send(message.length, message.outcome);
  }

  void end_one() {
    for (auto& [id, message] : messages_) {
      if (message.ended || *message.outcome != Outcome::durable || random_() % 3 != 0) continue;
      message.ended = true;
      bench_.queue->record(id, Finished{});
      return;
    }
  }

  void check() {
    REQUIRE(bench_.damage.size() <= 40);  // of one torn batch, never acknowledged
    for (const auto& [id, message] : messages_) {
      const std::string found = bench_.content(id);
      CAPTURE(id, message.length, message.ended);
      if (*message.outcome == Outcome::durable && !message.ended)
        REQUIRE((found == text_of(id, message.length) ? "whole" : found) == "whole");
      if (found != "gone") REQUIRE((found == text_of(id, message.length) ? "whole" : found) == "whole");
    }
    // Once seen, it stays: what was recovered is as good as acknowledged.
    std::erase_if(messages_, [&](const auto& entry) { return bench_.content(entry.first) == "gone"; });
    for (auto& [id, message] : messages_) {
      *message.outcome = Outcome::durable;
      message.ended = false;
    }
  }

  std::mt19937 random_;
  int calls_left_ = 0;
  Bench bench_;
  std::map<Id, Message> messages_;
};

}  // namespace

TEST_CASE("power cuts and kills lose nothing that was acknowledged") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    Story story{seed};
    for (int life = 0; life < 12; ++life) story.live_and_die();
  }
}
