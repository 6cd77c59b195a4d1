#include "daemons/queued/delivery_ring.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace mailroom;
using namespace mailroom::queued;

namespace {

std::vector<DeliveryId> all_next(DeliveryRing& ring) {
  std::vector<DeliveryId> out;
  while (const auto delivery = ring.next()) out.push_back(*delivery);
  return out;
}

}  // namespace

TEST_CASE("deliveries of many messages take turns, within a limit") {
  DeliveryRing ring;
  ring.set_limit(4);
  ring.begin(1, {1, 2, 3, 4, 5});
  ring.begin(2, {1});
  ring.begin(3, {1, 2});
  CHECK(all_next(ring) == std::vector<DeliveryId>{{1, 1}, {2, 1}, {3, 1}, {1, 2}});
  CHECK(ring.answered({2, 1}));
  CHECK(ring.is_done(2));
  CHECK_FALSE(ring.is_done(1));
  CHECK(all_next(ring) == std::vector<DeliveryId>{{3, 2}});
}

TEST_CASE(
    "what was handed out and not answered is handed out again, each alone, when the deliverer is back") {
  DeliveryRing ring;
  ring.set_limit(2);
  ring.begin(1, {1, 2, 3});
  all_next(ring);
  CHECK(ring.interrupted() == std::nullopt);
  CHECK_FALSE(ring.answered({1, 1}));
  CHECK(all_next(ring) == std::vector<DeliveryId>{{1, 1}});
  CHECK(ring.answered({1, 1}));
  CHECK_FALSE(ring.answered({1, 1}));  // an answer counts once
  CHECK(all_next(ring) == std::vector<DeliveryId>{{1, 2}});
  CHECK_FALSE(ring.is_done(1));
  CHECK(ring.answered({1, 2}));
  CHECK(all_next(ring) == std::vector<DeliveryId>{{1, 3}});
  CHECK(ring.answered({1, 3}));
  CHECK(ring.is_done(1));
}

TEST_CASE("a delivery that ends the deliverer whenever it is tried is given up, and harms no other") {
  DeliveryRing ring;
  const DeliveryId poison{2, 1};
  for (QueueId id = 1; id <= 3; ++id) ring.begin(id, {1});
  CHECK(all_next(ring).size() == 3);
  CHECK(ring.interrupted() == std::nullopt);
  ring.begin(4, {1});  // it comes meanwhile, and waits for the suspects
  std::vector<DeliveryId> done;
  unsigned ends = 1;
  for (auto now = all_next(ring); !now.empty(); now = all_next(ring)) {
    REQUIRE(now.size() == 1);
    if (now.front() == poison) {
      ++ends;
      const auto given_up = ring.interrupted();
      if (!given_up) continue;
      CHECK(given_up == poison);
      CHECK_FALSE(ring.is_done(poison.queue_id));
    } else {
      done.push_back(now.front());
    }
    CHECK(ring.answered(now.front()));
    CHECK(ring.is_done(now.front().queue_id));
  }
  CHECK(ends == 1 + DeliveryRing::kMostEnds);
  std::ranges::sort(done, {}, &DeliveryId::queue_id);
  CHECK(done == std::vector<DeliveryId>{{1, 1}, {3, 1}, {4, 1}});
}

TEST_CASE("a suspect that was delivered in the end is none any more") {
  DeliveryRing ring;
  ring.begin(1, {1});
  all_next(ring);
  for (unsigned end = 0; end < DeliveryRing::kMostEnds; ++end) {
    CHECK(ring.interrupted() == std::nullopt);
    CHECK(all_next(ring) == std::vector<DeliveryId>{{1, 1}});
  }
  CHECK(ring.answered({1, 1}));
  ring.begin(2, {1, 2});
  CHECK(all_next(ring).size() == 2);
  CHECK(ring.interrupted() == std::nullopt);
  CHECK(all_next(ring) == std::vector<DeliveryId>{{2, 1}});
  ring.remove(2);
  ring.begin(3, {1});
  CHECK(all_next(ring) == std::vector<DeliveryId>{{3, 1}});
}

TEST_CASE("a removed message is not heard of again") {
  DeliveryRing ring;
  ring.set_limit(1);
  ring.begin(1, {1, 2});
  all_next(ring);
  ring.remove(1);
  CHECK_FALSE(ring.answered({1, 1}));
  ring.begin(2, {1});
  CHECK(all_next(ring) == std::vector<DeliveryId>{{2, 1}});
}
