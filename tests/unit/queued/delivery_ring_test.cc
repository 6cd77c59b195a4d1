#include "daemons/queued/delivery_ring.h"

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

TEST_CASE("what was handed out and not answered is handed out again when the deliverer is back") {
  DeliveryRing ring;
  ring.set_limit(2);
  ring.begin(1, {1, 2, 3});
  all_next(ring);
  ring.interrupted();
  CHECK_FALSE(ring.answered({1, 1}));
  CHECK(all_next(ring) == std::vector<DeliveryId>{{1, 1}, {1, 2}});
  CHECK(ring.answered({1, 1}));
  CHECK_FALSE(ring.answered({1, 1}));  // an answer counts once
  CHECK(ring.answered({1, 2}));
  CHECK(all_next(ring) == std::vector<DeliveryId>{{1, 3}});
  CHECK(ring.answered({1, 3}));
  CHECK(ring.is_done(1));
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
