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
  explicit Story(unsigned seed, std::set<std::string> left_out = {})
      : random_{seed}, left_out_{std::move(left_out)} {}

  // Works until a random call, then loses the power (or only the process).  Returns what is wrong with what
  // is left.
  std::string live_and_die() {
    bench_.disk.left_out = left_out_;
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
    return problem();
  }

 private:
  struct Message {
    std::size_t length = 0;
    std::shared_ptr<std::optional<Outcome>> outcome;
    bool ended = false;  // Finished was recorded
    Id report = 0;       // which settles it
    bool owed = false;   // it is recorded that a report is owed
  };

  void act() {
    switch (random_() % 7) {
    case 0:
    case 1:
      return send();
    case 2:
      return end_one();
    case 3:
      return report_one();
    case 4:
      return owe_one();
    case 5:
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

  void owe_one() {
    for (auto& [id, message] : messages_) {
      if (message.ended || message.report != 0 || *message.outcome != Outcome::durable) continue;
      if (!bench_.queue->index().find(id)->finished.empty() || random_() % 3 != 0) continue;
      message.owed = true;
      return bench_.queue->record(id, Owed{{{Success::relayed, {.target = 1, .text = "taken"}}}});
    }
  }

  // Nothing more is done about it: told, or nobody is to be.
  bool is_settled(Id id) const {
    const Index& index = bench_.queue->index();
    return !index.find(id)->finished.empty() && index.owed(id).empty();
  }

  void report_one() {
    for (auto& [id, message] : messages_) {
      if (message.ended || message.report != 0 || *message.outcome != Outcome::durable) continue;
      if (is_settled(id) || random_() % 3 != 0) continue;
      message.report = bench_.queue->new_id() + 1;
      Message report{.length = random_() % 4 == 0 ? 6000u : 200u, .outcome = no_outcome()};
      messages_[message.report] = report;
      bench_.send(report.length, report.outcome, 1, Status{id, Attempted{.finished = {1}}});
      return;
    }
  }

  // A message counts as settled only when its report is there; and always then, if the disk has whole
  // batches.
  bool report_agrees(Id id, const Message& message) {
    const Entry* entry = bench_.queue->index().find(id);
    const auto report = messages_.find(message.report);
    if (entry == nullptr || report == messages_.end() || report->second.ended) return true;
    const bool is_reported = bench_.content(message.report) != "gone";
    return is_settled(id) == is_reported || (is_reported && !bench_.damage.empty());
  }

  // A debt goes with a report alone.
  bool is_unpaid(Id id, const Message& message) {
    if (!message.owed || message.report != 0 || bench_.queue->index().find(id) == nullptr) return false;
    return is_settled(id);
  }

  std::string problem() {
    for (const auto& [id, message] : messages_) {
      if (!report_agrees(id, message)) return "half reported " + id_text(id);
      if (is_unpaid(id, message)) return "no longer owed " + id_text(id);
    }
    for (const auto& [id, message] : messages_) {
      const std::string found = bench_.content(id);
      if (found == text_of(id, message.length)) continue;
      if (found != "gone") return "damaged " + id_text(id);
      if (*message.outcome == Outcome::durable && !message.ended) return "lost " + id_text(id);
    }
    go_on();
    return {};
  }

  // Once seen, a message stays: what was recovered is as good as acknowledged.
  void go_on() {
    std::erase_if(messages_, [&](const auto& entry) { return bench_.content(entry.first) == "gone"; });
    for (auto& [id, message] : messages_) {
      *message.outcome = Outcome::durable;
      message.ended = false;
      // One that damage has left alone settles nothing, and another is made.
      if (!messages_.contains(message.report) || !is_settled(id)) message.report = 0;
      message.owed = !bench_.queue->index().owed(id).empty();
    }
  }

  std::mt19937 random_;
  std::set<std::string> left_out_;
  int calls_left_ = 0;
  Bench bench_;
  std::map<Id, Message> messages_;
};

}  // namespace

TEST_CASE("power cuts and kills lose nothing that was acknowledged") {
  for (unsigned seed = 0; seed < 80; ++seed) {
    CAPTURE(seed);
    Story story{seed};
    for (int life = 0; life < 12; ++life) REQUIRE(story.live_and_die() == "");
  }
}

TEST_CASE("the story notices a sync that is left out") {
  const std::string call = GENERATE("sync", "sync_directory");
  int noticed = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    Story story{seed, {call}};
    for (int life = 0; life < 3; ++life)
      if (!story.live_and_die().empty()) {
        ++noticed;
        break;
      }
  }
  CHECK(noticed > 10);
}
