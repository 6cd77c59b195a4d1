// What queued knows of messages, senders and destinations, all of which strangers choose: its index, and the
// schedule with every visit made (SECURITY.md V10).
#include <fmt/format.h>

#include <stdexcept>

#include "daemons/queued/schedule.h"
#include "spool/queue/index.h"
#include "tests/growth/colliding.h"
#include "tests/growth/measure.h"

namespace {

using namespace mailroom;
using growth::Generator;
using growth::Work;
using queued::Schedule;

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;
constexpr std::uint64_t kNow = 1'800'000'000 * kSecond;

// Done so often that few messages take long enough to be measured: with many, what a table adds would be
// hidden by what caches that are too small for it add.
constexpr int kTimes = 16;

Work repeated(Work work) {
  return [=] {
    for (int i = 0; i < kTimes; ++i) work();
  };
}

// How many there are of what n messages are from, or for.
using Number = std::size_t (*)(std::size_t n);
std::size_t one(std::size_t) { return 1; }
std::size_t many(std::size_t n) { return n; }

queue::Accepted accepted(const std::string& sender, const std::string& domain) {
  queue::Envelope envelope{.reverse_path = sender};
  envelope.recipients.push_back({"x@" + domain, "", 0});
  envelope.targets.push_back({});
  return {.arrived = kNow, .content_length = 100, .envelope = envelope};
}

// n messages come, are put off, and go.
void keep_index(const std::vector<queue::Accepted>& messages) {
  queue::Index index;
  const auto apply = [&](const queue::Record& record) {
    for (queue::Id id = 1; id <= messages.size(); ++id)
      index.apply({queue::make_place(1, id * 1024), 1000, id}, record);
  };
  for (queue::Id id = 1; id <= messages.size(); ++id)
    index.apply({queue::make_place(1, id * 1024), 1000, id}, messages[id - 1]);
  apply(queue::Attempted{.parts = {0}, .progress = {1, kNow + kSecond}, .finished = {}, .answers = {}});
  if (index.size() != messages.size()) throw std::runtime_error("messages are missing");
  apply(queue::Finished{});
  if (index.size() != 0) throw std::runtime_error("messages are left");
}

Generator index(std::string name, Number senders, Number domains) {
  return {std::move(name), 1 << 16, [=](std::size_t n) -> Work {
            std::vector<queue::Accepted> messages;
            for (std::size_t i = 0; i < n; ++i)
              messages.push_back(
                  accepted(growth::colliding_text(i % senders(n)), growth::colliding_text(i % domains(n))));
            return repeated([messages] { keep_index(messages); });
          }};
}

// The first visit of each message fails, and of every other one the connection as well; the second is the
// last.
void visit_all(Schedule& schedule) {
  std::uint64_t now = kNow;
  while (schedule.size() > 0) {
    const auto given = schedule.next(now, {});
    if (!given) {
      now = std::max(now, schedule.next_event().value());
      if (now > kNow + 100 * kDay) throw std::runtime_error("a message waits for ever");
    } else if (schedule.visits(given->id).front().attempts > 0) {
      schedule.worked(given->destination);
      schedule.finished(*given);
      schedule.remove(given->id);
    } else {
      if (given->id % 2 == 0) schedule.failed(given->destination, now);
      schedule.deferred(*given, now);
    }
  }
  schedule.forget_unused();  // as for now: all were used
  if (schedule.forget_unused().empty()) throw std::runtime_error("destinations are remembered for ever");
}

Generator schedule(std::string name, Number senders, Number destinations) {
  return {std::move(name), 1 << 16, [=](std::size_t n) -> Work {
            return repeated([=] {
              Schedule schedule{{.waits = {60 * kSecond, 600 * kSecond}, .lifetime = 1000 * kDay}};
              for (std::size_t i = 0; i < n; ++i) {
                const auto to = schedule.destination(growth::colliding_text(i % destinations(n)));
                schedule.add({.id = i + 1,
                              .sender = static_cast<queued::SenderKey>(i % senders(n)),
                              .arrived = kNow,
                              .visits = {{to, kNow, 0}}},
                             kNow);
              }
              visit_all(schedule);
            });
          }};
}

const Generator kGenerators[] = {
    index("index: a sender and a domain for each message", many, many),
    index("index: a sender for each message to one domain", many, one),
    index("index: messages of one sender to one domain", one, one),
    schedule("schedule: a sender and a destination for each message", many, many),
    schedule("schedule: a sender for each message to one destination", many, one),
    schedule("schedule: messages of one sender, each to a destination", one, many),
    schedule("schedule: messages of one sender to one destination", one, one),
};

}  // namespace

int main() { return growth::all_grow_well(kGenerators) ? 0 : 1; }
