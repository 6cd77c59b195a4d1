// The schedule over a virtual month, with destinations that die and come back, greylisting, senders of every
// size, holds, restarts and removals; what must hold at every step is checked at every step.
#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>

#include "daemons/queued/schedule.h"

using namespace mailroom;
using namespace mailroom::queued;

namespace {

constexpr Microseconds kSecond = 1'000'000;
constexpr Microseconds kMinute = 60 * kSecond;
constexpr Microseconds kHour = 60 * kMinute;
constexpr Microseconds kDay = 24 * kHour;
constexpr Microseconds kBegin = 1'800'000'000 * kSecond;
constexpr Microseconds kLifetime = 5 * kDay;
constexpr unsigned kDestinations = 12;

using Given = Schedule::Given;

struct World {
  explicit World(unsigned seed) : random{seed} {
    for (unsigned i = 0; i < kDestinations; ++i)
      numbers.push_back(schedule.destination("d" + std::to_string(i)));
    numbers.push_back(schedule.destination("local", DestinationKind::local));
  }

  static Schedule::Limits limits() {
    return {.waits = {kMinute, 5 * kMinute, 30 * kMinute, kHour, 4 * kHour},
            .local = 6,
            .per_destination = 5,
            .remote = 20,
            .lifetime = kLifetime,
            .delay_warning = 4 * kHour};
  }

  struct Target {
    Microseconds not_before = 0;
    unsigned attempts = 0;
    bool under_way = false;
    bool done = false;
  };
  struct Message {
    Microseconds arrived = 0;
    bool warned = false;
    std::map<DestinationNumber, Target> targets;
  };
  struct UnderWay {
    Given visit;
    Microseconds ends = 0;
  };

  // Destination 0 is dead for good, 1 for a week, others now and then.
  bool is_dead(DestinationNumber number) const {
    if (number == numbers[0]) return true;
    if (number == numbers[1]) return now < kBegin + 7 * kDay;
    return number != numbers.back() && ((now - kBegin) / (6 * kHour) + number) % 9 == 0;
  }

  void arrive() {
    const QueueId id = ++last_id;
    Message message{.arrived = now, .targets = {}};
    Schedule::NewMessage added{.id = id,
                               .sender = static_cast<SenderKey>(random() % 4 == 0 ? random() % 50 : 7),
                               .arrived = now,
                               .visits = {}};
    for (unsigned left = 1 + random() % 3; left > 0; --left) {
      const DestinationNumber number = numbers[random() % numbers.size()];
      if (!message.targets.try_emplace(number, Target{.not_before = now}).second) continue;
      added.visits.push_back({number, now, 0});
    }
    schedule.add(added, now);
    messages.emplace(id, std::move(message));
  }

  void begin_all() {
    while (const auto given = schedule.next(now, {})) {
      Message& message = messages.at(given->id);
      Target& target = message.targets.at(given->destination);
      REQUIRE_FALSE(target.under_way);
      REQUIRE_FALSE(target.done);
      REQUIRE(now >= target.not_before);
      target.under_way = true;
      ++counts[given->destination];
      const bool is_local = given->destination == numbers.back();
      REQUIRE(counts[given->destination] <= (is_local ? 6U : 5U));
      if (!is_local) REQUIRE(++remote <= 20U);
      under_way.push_back({*given, now + kSecond + random() % (20 * kSecond)});
    }
  }

  void end(const UnderWay& one) {
    Message& message = messages.at(one.visit.id);
    Target& target = message.targets.at(one.visit.destination);
    const DestinationNumber number = one.visit.destination;
    target.under_way = false;
    --counts[number];
    if (number != numbers.back()) --remote;
    if (is_dead(number)) {
      REQUIRE(schedule.put_back(one.visit, now));
      schedule.failed(number, now);
    } else if (random() % 5 == 0) {
      schedule.worked(number);
      ++target.attempts;
      const auto later = schedule.deferred(one.visit, now);
      REQUIRE(later);
      REQUIRE(later->attempts == target.attempts);
      target.not_before = later->due;
      REQUIRE(later->due <= now + 4 * kHour + 4 * kHour / 10);
    } else {
      schedule.worked(number);
      REQUIRE(schedule.finished(one.visit));
      target.done = true;
      if (!schedule.has_visits(one.visit.id)) {
        schedule.remove(one.visit.id);
        messages.erase(one.visit.id);
        ++delivered;
      }
    }
  }

  void deadlines() {
    while (const auto overdue = schedule.take_overdue(now)) {
      Message& message = messages.at(overdue->id);
      if (overdue->deadline == Schedule::Deadline::warning) {
        REQUIRE_FALSE(message.warned);
        message.warned = true;
        REQUIRE(now >= message.arrived + 4 * kHour);
        continue;
      }
      REQUIRE(now >= message.arrived + kLifetime);
      for (const auto& [number, target] : message.targets) REQUIRE_FALSE(target.under_way);
      schedule.remove(overdue->id);
      messages.erase(overdue->id);
      ++expired;
    }
  }

  // Nothing is older than it may be: a visit takes up to 21 seconds, a step up to a minute.
  void check_ages() const {
    for (const auto& [id, message] : messages) REQUIRE(now <= message.arrived + kLifetime + 10 * kMinute);
  }

  // Whatever lives is reached before long.
  void check_nothing_starves() const {
    for (const auto& [id, message] : messages)
      for (const auto& [number, target] : message.targets) {
        if (target.done || target.under_way || number == numbers[0] || number == numbers[1]) continue;
        // The longest death, the longest wait of a destination behind it, the longest own wait.
        const Microseconds latest = std::max(target.not_before, message.arrived) + 6 * kHour + 9 * kHour;
        INFO("message " << id << " destination " << number << " attempts " << target.attempts);
        REQUIRE(now <= latest);
      }
  }

  void step() {
    now += 1 + random() % kMinute;
    std::vector<UnderWay> ended;
    std::erase_if(under_way, [&](const UnderWay& one) {
      if (one.ends > now) return false;
      ended.push_back(one);
      return true;
    });
    for (const UnderWay& one : ended) end(one);
    if (now < kBegin + 30 * kDay && random() % 4 == 0) arrive();
    deadlines();
    begin_all();
    // What the schedule says about the next event is no later than what it would do.
    if (const auto next = schedule.next_event(); next && *next > now + kSecond)
      REQUIRE_FALSE(schedule.next(*next - 1, {}));
  }

  std::mt19937 random;
  Schedule schedule{limits(), 11};
  std::vector<DestinationNumber> numbers;
  Microseconds now = kBegin;
  QueueId last_id = 0;
  std::map<QueueId, Message> messages;
  std::vector<UnderWay> under_way;
  std::map<DestinationNumber, unsigned> counts;
  unsigned remote = 0;
  unsigned delivered = 0, expired = 0;
};

}  // namespace

TEST_CASE("a month of mail: nothing starves, nothing comes early, no limit is passed, lifetimes are kept") {
  for (const unsigned seed : {1U, 2U}) {
    CAPTURE(seed);
    World world{seed};
    for (unsigned steps = 0; world.now < kBegin + 36 * kDay; ++steps) {
      world.step();
      if (steps % 500 != 0) continue;
      world.check_ages();
      world.check_nothing_starves();
    }
    CHECK(world.messages.empty());
    CHECK(world.schedule.size() == 0);
    CHECK(world.delivered > 10'000);
    CHECK(world.expired > 500);  // of the dead destination, and of none other
    CHECK(world.expired < world.last_id / 5);
  }
}
