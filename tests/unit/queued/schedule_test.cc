#include "daemons/queued/schedule.h"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>

using namespace mailroom;
using namespace mailroom::queued;

namespace {

constexpr Microseconds kSecond = 1'000'000;
constexpr Microseconds kNow = 1'800'000'000 * kSecond;

Schedule make(std::uint32_t deliveries = 100) {
  return Schedule{{{60 * kSecond, 600 * kSecond}, deliveries}};
}

std::vector<DeliveryId> all_next(Schedule& schedule) {
  std::vector<DeliveryId> out;
  while (const auto delivery = schedule.next()) out.push_back(*delivery);
  return out;
}

bool about(Microseconds time, Microseconds expected) {
  return time >= expected - expected / 10 && time <= expected + expected / 10;
}

}  // namespace

TEST_CASE("a message is attempted when it is due, and forgotten when all targets are served") {
  Schedule schedule = make();
  schedule.add(1, kNow, 0);
  CHECK_FALSE(schedule.take_due(kNow - 1));
  CHECK(schedule.next_due() == kNow);
  REQUIRE(schedule.take_due(kNow) == QueueId{1});
  CHECK_FALSE(schedule.take_due(kNow));
  schedule.begin(1, {1, 2});
  CHECK(all_next(schedule) == std::vector<DeliveryId>{{1, 1}, {1, 2}});
  CHECK_FALSE(schedule.delivered({1, 2}, kNow));
  CHECK(schedule.delivered({1, 1}, kNow) == Schedule::Ended{1, 1, {1, 2}, true, 0, ""});
  CHECK(schedule.size() == 0);
}

TEST_CASE("what failed is tried again, later each time, and what succeeded is not") {
  Schedule schedule = make();
  schedule.add(1, kNow, 0);
  Microseconds now = kNow;
  for (const Microseconds wait : {60 * kSecond, 600 * kSecond, 600 * kSecond}) {
    REQUIRE(schedule.take_due(now) == QueueId{1});
    schedule.begin(1, {1, 2});
    all_next(schedule);
    CHECK_FALSE(schedule.delivered({1, 1}, now));
    const auto ended = schedule.failed({1, 2}, "disk full", now);
    REQUIRE(ended);
    CHECK_FALSE(ended->complete);
    CHECK(ended->finished == std::vector<std::uint32_t>{1});
    CHECK(ended->problem == "disk full");
    CHECK(about(ended->next_attempt - now, wait));
    CHECK(schedule.next_due() == ended->next_attempt);
    now = ended->next_attempt;
  }
}

TEST_CASE("deliveries of many messages take turns, within a limit") {
  Schedule schedule = make(4);
  for (QueueId id = 1; id <= 3; ++id) {
    schedule.add(id, kNow, 0);
    schedule.take_due(kNow);
  }
  schedule.begin(1, {1, 2, 3, 4, 5});
  schedule.begin(2, {1});
  schedule.begin(3, {1, 2});
  CHECK(all_next(schedule) == std::vector<DeliveryId>{{1, 1}, {2, 1}, {3, 1}, {1, 2}});
  CHECK(schedule.delivered({2, 1}, kNow));
  CHECK(all_next(schedule) == std::vector<DeliveryId>{{3, 2}});
}

TEST_CASE("a backlog of retries does not delay new mail") {
  Schedule schedule = make();
  for (QueueId id = 1; id <= 1000; ++id) schedule.add(id, kNow - 1000 * kSecond + id, 3);
  schedule.add(5000, kNow, 0);
  std::set<QueueId> first{*schedule.take_due(kNow), *schedule.take_due(kNow)};
  CHECK(first.contains(5000));
}

TEST_CASE("a held message waits for its release, whatever else happens") {
  Schedule schedule = make();
  schedule.add(1, kNow, 0);
  schedule.add(2, kNow, 0, Schedule::State::held);
  CHECK(schedule.hold(1));
  CHECK_FALSE(schedule.take_due(kNow));
  CHECK(schedule.retry(1, kNow));
  CHECK_FALSE(schedule.take_due(kNow));
  CHECK(schedule.release(2, kNow));
  CHECK(schedule.take_due(kNow) == QueueId{2});
  schedule.begin(2, {1});
  CHECK(schedule.hold(2));  // its attempt goes on
  all_next(schedule);
  CHECK_FALSE(schedule.failed({2, 1}, "no", kNow)->complete);
  CHECK_FALSE(schedule.take_due(kNow + 86400 * kSecond));
  CHECK_FALSE(schedule.hold(3));
}

TEST_CASE("a removed message is not heard of again") {
  Schedule schedule = make(1);
  schedule.add(1, kNow, 0);
  schedule.add(2, kNow, 0);
  schedule.take_due(kNow);
  schedule.begin(1, {1, 2});
  all_next(schedule);
  schedule.remove(1);
  CHECK_FALSE(schedule.delivered({1, 1}, kNow));
  CHECK(schedule.take_due(kNow) == QueueId{2});
  schedule.begin(2, {1});
  CHECK(all_next(schedule) == std::vector<DeliveryId>{{2, 1}});
}

TEST_CASE("what was handed out and not answered is handed out again when the deliverer is back") {
  Schedule schedule = make(2);
  schedule.add(1, kNow, 0);
  schedule.take_due(kNow);
  schedule.begin(1, {1, 2, 3});
  all_next(schedule);
  schedule.interrupted();
  CHECK_FALSE(schedule.delivered({1, 1}, kNow));
  CHECK(all_next(schedule) == std::vector<DeliveryId>{{1, 1}, {1, 2}});
  CHECK_FALSE(schedule.delivered({1, 1}, kNow));
  CHECK_FALSE(schedule.delivered({1, 1}, kNow));  // an answer counts once
  CHECK_FALSE(schedule.delivered({1, 2}, kNow));
  all_next(schedule);
  CHECK(schedule.delivered({1, 3}, kNow)->complete);
}

TEST_CASE("an operator's retry comes before its time") {
  Schedule schedule = make();
  schedule.add(1, kNow + 3600 * kSecond, 5);
  CHECK(schedule.retry(1, kNow));
  CHECK(schedule.retry(1, kNow));
  CHECK(schedule.take_due(kNow) == QueueId{1});
  CHECK_FALSE(schedule.take_due(kNow));
}

TEST_CASE("over a month every target of every message is served once") {
  std::mt19937 random{7};
  Schedule schedule = make(8);
  std::map<DeliveryId, int> served;
  std::map<QueueId, std::vector<std::uint32_t>> left;
  Microseconds now = kNow;
  QueueId next_id = 1;
  while (now < kNow + 30 * 86400 * kSecond || schedule.size() > 0) {
    if (next_id <= 2000 && random() % 2 == 0) {
      for (std::uint32_t number = 1; number <= 1 + random() % 4; ++number) left[next_id].push_back(number);
      schedule.add(next_id++, now, 0);
    }
    while (const auto id = schedule.take_due(now)) schedule.begin(*id, left.at(*id));
    for (const DeliveryId& delivery : all_next(schedule)) {
      if (random() % 50 == 0) {
        schedule.interrupted();
        break;
      }
      const bool works = random() % 3 != 0;
      if (works) {
        ++served[delivery];
        std::erase(left[delivery.queue_id], delivery.recipient);
      }
      works ? schedule.delivered(delivery, now) : schedule.failed(delivery, "no", now);
    }
    now += random() % (1200 * kSecond);
  }
  for (const auto& [id, targets] : left) CHECK(targets.empty());
  for (const auto& [delivery, times] : served) CHECK(times == 1);
}

TEST_CASE("a waiting message costs the schedule little, and its order little time") {
  Schedule schedule = make();
  for (QueueId id = 1; id <= 300'000; ++id) schedule.add(id << 20, kNow + id % 1000 * kSecond, 3);
  QueueId taken = 0;
  while (const auto id = schedule.take_due(kNow + 1000 * kSecond)) {
    schedule.begin(*id, {1});
    schedule.next();
    schedule.delivered({*id, 1}, kNow);
    ++taken;
  }
  CHECK(taken == 300'000);
}
