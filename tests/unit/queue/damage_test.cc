// A log that is damaged: it is seen, and what can be read is read.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/unit/queue/bench.h"

using namespace mailroom::queue;
using namespace mailroom::queue::test;

TEST_CASE("damage to a message is found when it is read, and to a record when the queue starts") {
  Bench bench;
  const Id one = bench.send(300), two = bench.send(300), three = bench.send(300);
  bench.run_all();
  bench.send(100);
  bench.run_all();
  std::string& bytes = bench.disk.bytes_of("segment-00000001");
  const std::size_t content = bytes.find("Subject: " + id_text(one));
  bytes[content] ^= 1;
  bytes[bytes.find("sender@example.net", content)] ^= 1;  // of the second's envelope
  bench.restart(bench.disk.after_kill());
  CHECK(bench.content(one) == "damaged");
  CHECK(bench.content(two) == "gone");
  CHECK(bench.content(three) == text_of(three, 300));
  REQUIRE(bench.damage.size() == 1);
  CHECK(bench.damage[0].file == "segment-00000001");
  CHECK(bench.disk.exists("quarantine/segment-00000001-" + fmt::format("{:x}", bench.damage[0].offset)));
}

TEST_CASE("what is damaged is copied as a whole before anything of it is written over") {
  constexpr const char* kSegment = "segment-00000001";
  const auto damaged = [] {
    Bench bench;
    bench.send(300);
    const Id two = bench.send(300);
    bench.send(300);
    bench.run_all();
    std::string& bytes = bench.disk.bytes_of(kSegment);
    bytes[bytes.find("sender@example.net", bytes.find(id_text(two)) - 400)] ^= 1;
    return bench.disk.after_kill();
  };
  const auto copy_of = [&](MemoryStorage& disk, const Damage& range) {
    const std::string name = fmt::format("quarantine/{}-{:x}", kSegment, range.offset);
    return disk.exists(name) ? disk.bytes_of(name) : std::string{};
  };
  MemoryStorage whole = damaged();
  const auto first = recover(whole);
  REQUIRE(first);
  REQUIRE(first->damage.size() == 1);
  const Damage range = first->damage.front();
  MemoryStorage disk = damaged();  // with damage at the same place
  const std::string expected = disk.bytes_of(kSegment).substr(range.offset, range.length);

  SECTION("wherever a start fails") {
    bool has_failed = true;
    for (int nth = 1; has_failed; ++nth) {
      MemoryStorage failing = disk.after_kill();
      int calls = 0;
      failing.fault = [&](const std::string&, const std::string&) { return ++calls == nth ? EIO : 0; };
      has_failed = !recover(failing);
      MemoryStorage next = failing.after_kill();
      next.fault = [](auto&, auto&) { return 0; };
      REQUIRE(recover(next));
      INFO("call " << nth);
      CHECK(copy_of(next, range) == expected);
    }
  }
  SECTION("beside an older copy of the same name") {
    const std::string name = fmt::format("quarantine/{}-{:x}", kSegment, range.offset);
    REQUIRE(disk.create(name));
    REQUIRE(recover(disk));
    CHECK(copy_of(disk, range).empty());
    CHECK(disk.bytes_of(name + ".1") == expected);
  }
}

TEST_CASE("a damaged segment header costs nothing once the next segment is there") {
  Bench bench;
  std::vector<Id> ids;
  for (int i = 0; i < 60; ++i) {
    ids.push_back(bench.send(400));
    bench.run_all();
  }
  REQUIRE(bench.disk.exists("segment-00000002"));
  bench.disk.bytes_of("segment-00000001").replace(0, 40, std::string(40, '\0'));
  bench.restart(bench.disk.after_kill());
  CHECK(bench.damage.size() == 1);
  for (const Id id : ids) CHECK(bench.content(id) == text_of(id, 400));
}
