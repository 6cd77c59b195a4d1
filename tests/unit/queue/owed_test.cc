// Reports that are owed: settled once, whatever the log went through.
#include <catch2/catch.hpp>

#include "tests/unit/queue/bench.h"

using namespace mailroom::queue;
using namespace mailroom::queue::test;

namespace {

Owed owed_of(std::initializer_list<std::uint32_t> targets) {
  Owed owed;
  for (const std::uint32_t target : targets)
    owed.reports.push_back(
        {Success::relayed, {.target = target, .code = 250, .text = "taken " + std::to_string(target)}});
  return owed;
}

std::vector<std::uint32_t> owed_targets(const Bench& bench, Id id) {
  std::vector<std::uint32_t> out;
  for (const auto& [target, report] : bench.queue->index().owed(id)) out.push_back(target);
  return out;
}

}  // namespace

TEST_CASE("what a sender is owed is remembered over restarts until it is settled") {
  using Targets = std::vector<std::uint32_t>;
  Bench bench;
  const Id id = bench.send(100, {}, 4), other = bench.send(100);
  bench.run_all();
  bench.queue->record(id, owed_of({3, 1}));
  CHECK(bench.queue->index().find(id)->finished == Targets{1, 3});  // at once
  CHECK(owed_targets(bench, id) == Targets{1, 3});
  bench.run_all();
  bench.restart(bench.disk.after_kill());
  bench.restart(bench.disk.after_kill());
  CHECK(bench.queue->index().find(id)->finished == Targets{1, 3});
  REQUIRE(owed_targets(bench, id) == Targets{1, 3});
  CHECK(bench.queue->index().owed(id).at(3) == owed_of({3}).reports.front());
  CHECK(bench.queue->index().owed(other).empty());

  SECTION("along with a report") {
    const auto outcome = no_outcome();
    bench.send(100, outcome, 1, Status{id, Attempted{.finished = {3}}});
    CHECK(owed_targets(bench, id) == Targets{1, 3});
    bench.run_all();
    CHECK(*outcome == Outcome::durable);
    CHECK(owed_targets(bench, id) == Targets{1});
    bench.restart(bench.disk.after_kill());
    CHECK(owed_targets(bench, id) == Targets{1});
    CHECK(bench.queue->index().find(id)->finished == Targets{1, 3});
  }
  SECTION("as nobody is to be told") {
    bench.queue->record(id, Attempted{.finished = {1, 3}});
    CHECK(bench.queue->index().owed().empty());  // at once
    bench.run_all();
    bench.restart(bench.disk.after_kill());
    CHECK(bench.queue->index().owed().empty());
  }
  SECTION("with the message") {
    bench.queue->record(id, GENERATE(Record{Finished{}}, Record{Removed{}}));
    bench.run_all();
    CHECK(bench.queue->index().owed().empty());
    bench.restart(bench.disk.after_kill());
    CHECK(bench.queue->index().owed().empty());
  }
}

TEST_CASE("a debt that is written down late, when it has been settled, is none") {
  Bench bench;
  const Id id = bench.send(100, {}, 2);
  bench.run_all();
  SECTION("while the disk was slow") {
    bench.queue->record(id, owed_of({1}));
    bench.queue->record(id, Attempted{.finished = {1}});  // before the first is on disk
    bench.log_worker.step();
    CHECK(bench.queue->index().owed().empty());
  }
  SECTION("after the disk had refused it") {
    fail_call(bench.disk, "write", 1, EIO);
    bench.queue->record(id, owed_of({1}));
    bench.log_worker.step();
    fail_call(bench.disk, "write", 1, EIO, 0);
    CHECK_FALSE(bench.queue->index().owed().empty());
    const auto report = no_outcome();
    bench.send(100, report, 1, Status{id, Attempted{.finished = {1}}});
    bench.run_all();
    REQUIRE(*report == Outcome::durable);
    bench.queue->tick();
  }
  bench.run_all();
  CHECK(bench.queue->settled());
  CHECK(bench.queue->index().owed().empty());
  bench.restart(bench.disk.after_kill());
  CHECK(bench.queue->index().owed().empty());
  CHECK(bench.queue->index().find(id)->finished == std::vector<std::uint32_t>{1});
}

TEST_CASE("what is owed is copied forward with its message, and what is settled meanwhile stays settled") {
  using Targets = std::vector<std::uint32_t>;
  Bench bench;
  constexpr std::uint32_t kTargets = 40;
  const Id old = bench.send(200, {}, kTargets), other = bench.send(100);
  bench.run_all();
  const Attempted loud{{}, {}, {}, {{.target = 1, .text = std::string(3000, 'x')}}};  // lets the log grow
  int copies = 0;
  Targets finished;
  for (std::uint32_t target = 1; target <= kTargets; ++target) {
    const Place before = bench.queue->index().find(old)->accepted;
    finished.push_back(target);
    bench.queue->record(old, owed_of({target}));
    bench.queue->record(other, loud);
    bench.log_worker.step();
    // A batch is being written, now and then with a copy: what is settled goes into the next one.
    if (target > 1) bench.queue->record(old, Attempted{.finished = {target - 1}});
    CHECK(owed_targets(bench, old) == Targets{target});
    bench.queue->record(other, loud);
    bench.log_worker.step();
    if (owed_targets(bench, old) != Targets{target}) FAIL("another debt at " << target);
    if (bench.queue->index().find(old)->accepted != before) ++copies;
    if (target % 10 != 0) continue;
    bench.run_all();
    bench.restart(bench.disk.after_kill());
    if (owed_targets(bench, old) != Targets{target}) FAIL("another debt after a start at " << target);
    CHECK(bench.queue->index().owed(old).at(target) == owed_of({target}).reports.front());
  }
  CHECK(copies > 2);
  CHECK_FALSE(bench.disk.exists("segment-00000001"));
  CHECK(bench.queue->index().find(old)->finished == finished);
  CHECK(bench.content(old) == text_of(old, 200));
}

TEST_CASE("what is owed for long goes with its message from segment to segment") {
  using Targets = std::vector<std::uint32_t>;
  Bench bench;
  const Id id = bench.send(200, {}, 3);
  bench.run_all();
  bench.queue->record(id, Attempted{.finished = {3}});
  bench.queue->record(id, owed_of({2}));
  for (int i = 0; i < 500; ++i) {
    const Id other = bench.send(500);
    bench.run_all();
    bench.queue->record(other, Finished{});
    bench.run_all();
    if (i % 200 == 0) bench.restart(bench.disk.after_kill());
  }
  REQUIRE_FALSE(bench.disk.exists("segment-00000001"));
  for (int starts = 0; starts < 2; ++starts) {
    CHECK(bench.queue->index().find(id)->finished == Targets{2, 3});
    REQUIRE(owed_targets(bench, id) == Targets{2});
    CHECK(bench.queue->index().owed(id).at(2) == owed_of({2}).reports.front());
    bench.restart(bench.disk.after_kill());
  }
}
