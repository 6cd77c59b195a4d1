#include "daemons/queued/schedule.h"

#include <malloc.h>

#include <catch2/catch.hpp>

#include <set>

using namespace mailroom;
using namespace mailroom::queued;

namespace {

constexpr Microseconds kSecond = 1'000'000;
constexpr Microseconds kDay = 86'400 * kSecond;
constexpr Microseconds kNow = 1'800'000'000 * kSecond;
using Given = Schedule::Given;

Schedule::Limits small_limits() {
  return {.waits = {60 * kSecond, 600 * kSecond},
          .local = 4,
          .per_destination = 8,
          .remote = 12,
          .lifetime = 5 * kDay,
          .delay_warning = kDay};
}

struct Bench {
  Schedule schedule{small_limits()};
  DestinationNumber local = schedule.destination("local", DestinationKind::local);
  DestinationNumber far = schedule.destination("far.test");
  DestinationNumber other = schedule.destination("other.test");

  void add(QueueId id, std::vector<DestinationNumber> to, SenderKey sender = 1, Microseconds now = kNow) {
    Schedule::NewMessage message{.id = id, .sender = sender, .arrived = now, .visits = {}};
    for (const auto destination : to) message.visits.push_back({destination, now, 0});
    schedule.add(message, now);
  }
  std::vector<Given> all(Microseconds now = kNow, Schedule::Able able = {}) {
    std::vector<Given> out;
    while (const auto given = schedule.next(now, able)) out.push_back(*given);
    return out;
  }
  std::vector<QueueId> ids(Microseconds now = kNow) {
    std::vector<QueueId> out;
    for (const Given& given : all(now)) out.push_back(given.id);
    return out;
  }
};

bool about(Microseconds time, Microseconds expected) {
  return time >= expected - expected / 10 && time <= expected + expected / 10;
}

}  // namespace

TEST_CASE("a message visits each of its destinations once, and is then without visits") {
  Bench bench;
  bench.add(1, {bench.local, bench.far});
  auto given = bench.all();
  std::ranges::sort(given);
  REQUIRE(given == std::vector<Given>{{1, bench.local}, {1, bench.far}});
  CHECK(bench.schedule.is_active(1));
  CHECK(bench.schedule.finished({1, bench.far}));
  CHECK_FALSE(bench.schedule.finished({1, bench.far}));  // an answer counts once
  CHECK_FALSE(bench.schedule.finished({1, bench.other}));
  CHECK(bench.schedule.has_visits(1));
  CHECK(bench.schedule.finished({1, bench.local}));
  CHECK_FALSE(bench.schedule.has_visits(1));
  bench.schedule.remove(1);
  CHECK(bench.schedule.size() == 0);
}

TEST_CASE("what was not taken is tried again, later each time, and never before") {
  Bench bench;
  bench.add(1, {bench.far});
  Microseconds now = kNow;
  for (const Microseconds wait : {60 * kSecond, 600 * kSecond, 600 * kSecond}) {
    REQUIRE(bench.ids(now).size() == 1);
    const auto later = bench.schedule.deferred({1, bench.far}, now);
    REQUIRE(later);
    CHECK(about(later->due - now, wait));
    CHECK(bench.all(later->due - 1).empty());
    CHECK(bench.schedule.next_event() == later->due);
    now = later->due;
  }
}

TEST_CASE("what can not be done now is not given") {
  Bench bench;
  bench.add(1, {bench.local, bench.far});
  CHECK(bench.all(kNow, {.local = false, .remote = false}).empty());
  CHECK(bench.all(kNow, {.local = true, .remote = false}) == std::vector<Given>{{1, bench.local}});
  CHECK(bench.all() == std::vector<Given>{{1, bench.far}});
}

TEST_CASE("a window grows with what works, up to its limit, and shrinks with what does not") {
  Bench bench;
  for (QueueId id = 1; id <= 100; ++id) bench.add(id, {bench.far});
  auto given = bench.ids();
  CHECK(given.size() == Destination::kFirstWindow);
  for (int round = 0; round < 10; ++round) {
    for (const QueueId id : given) {
      bench.schedule.worked(bench.far);
      bench.schedule.finished({id, bench.far});
    }
    given = bench.ids();
    CHECK(given.size() <= 8);
  }
  REQUIRE(given.size() == 8);
  bench.schedule.put_back({given[0], bench.far}, kNow);
  bench.schedule.failed(bench.far, kNow);
  CHECK(bench.schedule.find(bench.far)->window() == 4);
  CHECK(bench.schedule.find(bench.far)->blocked_until() == 0);  // others are under way
  CHECK(bench.ids().empty());
}

TEST_CASE("a dead destination waits as a whole, longer each time, and is tried by one message") {
  Bench bench;
  for (QueueId id = 1; id <= 100; ++id) bench.add(id, {bench.far});
  Microseconds now = kNow;
  for (const QueueId id : bench.ids(now)) {
    bench.schedule.put_back({id, bench.far}, now);
    bench.schedule.failed(bench.far, now);
  }
  for (const Microseconds wait : {60 * kSecond, 600 * kSecond, 600 * kSecond}) {
    const Microseconds until = bench.schedule.find(bench.far)->blocked_until();
    CHECK(about(until - now, wait));
    CHECK(bench.all(until - 1).empty());
    now = until;
    CHECK(bench.schedule.next_event() == until);
    const auto probe = bench.ids(now);
    REQUIRE(probe.size() == 1);
    bench.schedule.put_back({probe[0], bench.far}, now);
    bench.schedule.failed(bench.far, now);
  }
  now = bench.schedule.find(bench.far)->blocked_until();
  std::size_t done = 0;
  for (auto given = bench.ids(now); !given.empty(); given = bench.ids(now))
    for (const QueueId id : given) {
      bench.schedule.worked(bench.far);
      done += bench.schedule.finished({id, bench.far}) ? 1 : 0;
    }
  CHECK(done == 100);  // none of them had to wait for a time of its own
}

TEST_CASE("a dead destination delays no other") {
  Bench bench;
  for (QueueId id = 1; id <= 1000; ++id) bench.add(id, {bench.far});
  bench.add(5000, {bench.far, bench.other});
  const auto given = bench.all();
  CHECK(std::ranges::find(given, Given{5000, bench.other}) != given.end());
}

TEST_CASE("one big sender delays no other, and a backlog of retries no new mail") {
  Bench bench;
  for (QueueId id = 1; id <= 1000; ++id) bench.add(id, {bench.far}, 1);
  bench.add(2000, {bench.far}, 2);
  const auto first = bench.ids();
  CHECK(std::ranges::find(first, 2000) != first.end());

  Bench retries;
  for (QueueId id = 1; id <= 1000; ++id)
    retries.schedule.add({.id = id, .sender = 1, .arrived = kNow, .visits = {{retries.far, kNow, 3}}}, kNow);
  retries.add(2000, {retries.far}, 1);
  const auto next = retries.ids();
  CHECK(std::ranges::find(next, 2000) != next.end());
}

TEST_CASE("no more connections than there may be, and destinations take turns for them") {
  Bench bench;
  std::vector<DestinationNumber> many;
  for (int i = 0; i < 10; ++i) many.push_back(bench.schedule.destination("d" + std::to_string(i)));
  for (const auto destination : many) bench.schedule.worked(destination);
  QueueId id = 0;
  for (const auto destination : many)
    for (int i = 0; i < 5; ++i) bench.add(++id, {destination});
  const auto given = bench.all();
  CHECK(given.size() == 12);
  std::set<DestinationNumber> reached;
  for (const Given& one : given) reached.insert(one.destination);
  CHECK(reached.size() == many.size());
}

namespace {

// Messages of that sender to so many hosts that say nothing: whatever is given to them stays under way.
void send_to_silent(Schedule& schedule, SenderKey sender, int hosts) {
  for (int i = 0; i < hosts; ++i) {
    const QueueId id = QueueId{sender} << 32 | static_cast<QueueId>(i);
    const auto host = schedule.destination(std::to_string(sender) + "-" + std::to_string(i));
    schedule.add({.id = id, .sender = sender, .arrived = kNow, .visits = {{host, kNow, 0}}}, kNow);
  }
}

}  // namespace

TEST_CASE("senders to a thousand silent hosts each leave room for all others") {
  Schedule::Limits limits = small_limits();
  limits.remote = 200;
  const SenderKey senders = GENERATE(1, 2, 5);
  Bench bench;
  bench.schedule.set_limits(limits);
  bench.schedule.worked(bench.far);
  for (SenderKey sender = 1; sender <= senders; ++sender) send_to_silent(bench.schedule, sender, 1000);
  const auto held = bench.all().size();
  CHECK(held >= 75);
  CHECK(held < 150);
  for (QueueId id = 1; id <= 40; ++id) bench.add(id, {bench.far, bench.other}, 99);
  const auto given = bench.all();
  const auto to = [&](DestinationNumber number) {
    return std::ranges::count(given, number, &Given::destination);
  };
  CHECK(to(bench.far) == 3);    // as many as its window lets in
  CHECK(to(bench.other) == 2);  // though nobody knows yet whether it works
}

TEST_CASE("of senders to silent hosts who has fewest visits under way comes first") {
  Schedule::Limits limits = small_limits();
  limits.remote = 16;  // 12 for trials
  Bench bench;
  bench.schedule.set_limits(limits);
  send_to_silent(bench.schedule, 1, 100);
  auto first = bench.all();
  CHECK(first.size() == 6);
  send_to_silent(bench.schedule, 2, 100);
  CHECK(bench.all().size() == 3);
  for (const Given& visit : first) bench.schedule.finished(visit);
  const auto next = bench.ids();
  CHECK(std::ranges::count_if(next, [](QueueId id) { return id >> 32 == 2; }) >= 1);
  CHECK(next.size() >= 4);
}

TEST_CASE("who writes to a host on trial first does not make others wait for his turn") {
  Schedule::Limits limits = small_limits();
  limits.remote = 16;
  Bench bench;
  bench.schedule.set_limits(limits);
  send_to_silent(bench.schedule, 1, 100);
  REQUIRE(bench.all().size() == 6);
  bench.add(1, {bench.far}, 1);  // has no room
  REQUIRE(bench.all().empty());
  bench.add(2, {bench.far}, 2);
  CHECK(bench.ids() == std::vector<QueueId>{2});
}

TEST_CASE("a held message waits for its release, whatever else happens") {
  Bench bench;
  bench.add(1, {bench.far});
  bench.schedule.add({.id = 2,
                      .sender = 1,
                      .arrived = kNow,
                      .state = Schedule::State::held,
                      .visits = {{bench.far, kNow, 0}}},
                     kNow);
  CHECK(bench.schedule.hold(1));
  CHECK(bench.schedule.retry(1, kNow));
  CHECK(bench.all().empty());
  CHECK_FALSE(bench.schedule.take_overdue(kNow + 100 * kDay));
  CHECK(bench.schedule.release(2, kNow));
  CHECK(bench.ids() == std::vector<QueueId>{2});
  CHECK(bench.schedule.hold(2));  // its visit goes on
  CHECK(bench.schedule.deferred({2, bench.far}, kNow));
  CHECK(bench.all(kNow + kDay).empty());
  CHECK(bench.schedule.release(1, kNow));
  CHECK(bench.ids(kNow + kDay) == std::vector<QueueId>{1});
  CHECK_FALSE(bench.schedule.hold(3));
}

TEST_CASE("a held destination waits for its release") {
  Bench bench;
  bench.schedule.hold_destination("far.test");
  bench.add(1, {bench.far, bench.other});
  CHECK(bench.all() == std::vector<Given>{{1, bench.other}});
  CHECK(bench.schedule.release_destination("far.test", kNow));
  CHECK_FALSE(bench.schedule.release_destination("nowhere.test", kNow));
  CHECK(bench.all() == std::vector<Given>{{1, bench.far}});
}

TEST_CASE("a destination can be held before there is anything for it") {
  Bench bench;
  bench.schedule.hold_destination("later.test");
  bench.add(1, {bench.schedule.destination("later.test")});
  CHECK(bench.all().empty());
  CHECK(bench.schedule.release_destination("later.test", kNow));
  CHECK(bench.all().size() == 1);
}

TEST_CASE("no sender hears of a delay, and no message ends, while its destination is held") {
  Bench bench;
  bench.schedule.hold_destination("far.test");
  bench.add(1, {bench.far, bench.other});
  for (Microseconds now = kNow; now < kNow + 10 * kDay; now += kDay)
    CHECK_FALSE(bench.schedule.take_overdue(now));
  const Microseconds later = kNow + 10 * kDay;
  bench.schedule.release_destination("far.test", later);
  REQUIRE(bench.all(later).size() == 2);
  CHECK(bench.schedule.finished({1, bench.other}));
  CHECK(bench.schedule.deferred({1, bench.far}, later));
  CHECK(bench.schedule.take_overdue(later));
}

TEST_CASE("an operator's retry comes before its time, of a message and of a destination") {
  Bench bench;
  bench.schedule.add({.id = 1, .sender = 1, .arrived = kNow, .visits = {{bench.far, kNow + kDay, 5}}}, kNow);
  CHECK(bench.all().empty());
  CHECK(bench.schedule.retry(1, kNow));
  CHECK(bench.ids() == std::vector<QueueId>{1});
  bench.schedule.put_back({1, bench.far}, kNow);
  bench.schedule.failed(bench.far, kNow);
  CHECK(bench.all().empty());
  CHECK(bench.schedule.retry_destination("far.test", kNow));
  CHECK(bench.ids() == std::vector<QueueId>{1});
  CHECK_FALSE(bench.schedule.retry_destination("nowhere.test", kNow));
}

TEST_CASE("a removed message is not heard of again, in whatever state it was") {
  Bench bench;
  for (QueueId id = 1; id <= 3; ++id) bench.add(id, {bench.far});  // two under way, one ready
  REQUIRE(bench.ids().size() == 2);
  bench.schedule.add({.id = 4, .sender = 1, .arrived = kNow, .visits = {{bench.far, kNow + kDay, 1}}}, kNow);
  for (QueueId id = 1; id <= 4; ++id) bench.schedule.remove(id);
  CHECK_FALSE(bench.schedule.finished({1, bench.far}));
  CHECK_FALSE(bench.schedule.deferred({2, bench.far}, kNow));
  CHECK(bench.all(kNow + 10 * kDay).empty());
  CHECK_FALSE(bench.schedule.take_overdue(kNow + 10 * kDay));
  CHECK(bench.schedule.remote_active() == 0);
  bench.add(5, {bench.far});
  CHECK(bench.ids() == std::vector<QueueId>{5});
}

TEST_CASE("a sender hears of a delay once, and a message ends with its lifetime") {
  Bench bench;
  bench.add(1, {bench.far});
  using Overdue = Schedule::Overdue;
  CHECK_FALSE(bench.schedule.take_overdue(kNow + kDay - 1));
  CHECK(bench.schedule.take_overdue(kNow + kDay) == Overdue{1, Schedule::Deadline::warning});
  CHECK_FALSE(bench.schedule.take_overdue(kNow + 5 * kDay - 1));
  REQUIRE(bench.ids(kNow + 5 * kDay) == std::vector<QueueId>{1});
  CHECK_FALSE(bench.schedule.take_overdue(kNow + 5 * kDay));  // its last visit is under way
  CHECK(bench.schedule.deferred({1, bench.far}, kNow + 5 * kDay));
  CHECK(bench.schedule.take_overdue(kNow + 5 * kDay) == Overdue{1, Schedule::Deadline::expiry});
  CHECK_FALSE(bench.schedule.take_overdue(kNow + 50 * kDay));
  CHECK(bench.all(kNow + 50 * kDay).empty());
}

TEST_CASE("a message that was long in a queue nobody ran is tried before it ends") {
  Bench bench;
  bench.schedule.add(
      {.id = 1, .sender = 1, .arrived = kNow - 50 * kDay, .warned = true, .visits = {{bench.far, kNow, 9}}},
      kNow);
  CHECK_FALSE(bench.schedule.take_overdue(kNow + Schedule::kGrace - 1));
  CHECK(bench.ids() == std::vector<QueueId>{1});
  CHECK(bench.schedule.deferred({1, bench.far}, kNow));
  CHECK(bench.schedule.take_overdue(kNow));
}

TEST_CASE("the sender of a message that has just come hears of its delay in time, however short") {
  Schedule::Limits limits = small_limits();
  limits.delay_warning = 3 * kSecond;
  for (const bool fresh : {true, false}) {
    Schedule schedule{limits};
    const auto far = schedule.destination("far.test");
    schedule.add({.id = 1, .sender = 1, .arrived = kNow, .fresh = fresh, .visits = {{far, kNow, 0}}}, kNow);
    REQUIRE(schedule.next(kNow, {}));
    REQUIRE(schedule.deferred({1, far}, kNow));
    CHECK(schedule.take_overdue(kNow + 3 * kSecond).has_value() == fresh);
  }
}

TEST_CASE("destinations that nothing is for are forgotten, and their numbers not used again") {
  Bench bench;
  bench.add(1, {bench.far});
  bench.schedule.forget_unused();
  const auto forgotten = bench.schedule.forget_unused();
  CHECK(forgotten == std::vector<DestinationNumber>{bench.other});
  CHECK(bench.schedule.destination("other.test") > bench.other);
  CHECK(bench.schedule.destination("far.test") == bench.far);
  REQUIRE(bench.ids() == std::vector<QueueId>{1});
}

TEST_CASE("a waiting message costs the schedule little memory, and its order little time") {
  const auto before = ::mallinfo2().uordblks;
  Schedule schedule{small_limits()};
  const auto far = schedule.destination("far.test");
  constexpr QueueId kMessages = 300'000;
  for (QueueId id = 1; id <= kMessages; ++id)
    schedule.add({.id = id << 20,
                  .sender = static_cast<SenderKey>(id),
                  .arrived = kNow,
                  .visits = {{far, kNow + (1 + id % 1000) * kSecond, 3}}},
                 kNow);
  const auto each = (::mallinfo2().uordblks - before) / kMessages;
  CHECK(each < 200);
  QueueId taken = 0;
  while (const auto given = schedule.next(kNow + 1000 * kSecond, {})) {
    schedule.worked(far);
    schedule.finished(*given);
    schedule.remove(given->id);
    ++taken;
  }
  CHECK(taken == kMessages);
}
