#include "spool/queue/destination_holds.h"

#include <cerrno>

#include <catch2/catch.hpp>

#include "tests/unit/queue/memory_storage.h"

using namespace mailroom::queue;
using mailroom::queue::test::MemoryStorage;
using Keys = std::set<std::string>;

namespace {

Keys keys_on(MemoryStorage& disk) {
  const auto holds = DestinationHolds::read(disk);
  REQUIRE(holds);
  return holds->keys();
}

}  // namespace

TEST_CASE("destinations stay held over restarts, until they are released") {
  MemoryStorage disk;
  CHECK(keys_on(disk).empty());
  auto holds = *DestinationHolds::read(disk);
  REQUIRE(holds.hold("smtp:127.0.0.1:25") == 0);
  REQUIRE(holds.hold("far.test") == 0);
  CHECK(keys_on(disk) == Keys{"far.test", "smtp:127.0.0.1:25"});
  REQUIRE(holds.release("smtp:127.0.0.1:25") == 0);
  REQUIRE(holds.release("never.held.test") == 0);
  CHECK(keys_on(disk) == Keys{"far.test"});
  REQUIRE(holds.release("far.test") == 0);
  CHECK(keys_on(disk).empty());
  CHECK(holds.hold("two\nlines") == EINVAL);
  CHECK(holds.hold("") == EINVAL);
}

TEST_CASE("a hold that was answered survives a power cut, and one that was not leaves what was before") {
  std::mt19937 random{1};
  for (int round = 0; round < 200; ++round) {
    MemoryStorage disk;
    auto holds = *DestinationHolds::read(disk);
    REQUIRE(holds.hold("first.test") == 0);
    const int fails_at = round % 8;
    int calls = 0;
    disk.fault = [&](auto&, auto&) { return calls++ == fails_at ? EIO : 0; };
    const bool answered = holds.hold("second.test") == 0;
    MemoryStorage after = disk.after_power_cut(random);
    const Keys kept = keys_on(after);
    CHECK(kept.contains("first.test"));
    if (answered) CHECK(kept.contains("second.test"));
    CHECK(holds.keys().contains("second.test") == answered);
    // What is answered next holds whatever the error has left behind.
    disk.fault = [](auto&, auto&) { return 0; };
    REQUIRE(holds.release("second.test") == 0);
    CHECK(keys_on(disk) == Keys{"first.test"});
    MemoryStorage released = disk.after_power_cut(random);
    CHECK(keys_on(released) == Keys{"first.test"});
  }
}
