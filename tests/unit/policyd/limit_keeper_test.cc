// What counts against limits, through a restart.
#include "daemons/policyd/limit_keeper.h"

#include <catch2/catch.hpp>

#include "tests/unit/daemon_host.h"

using namespace mailroom;
using namespace mailroom::policyd;
using policy::LimitBook;
using policy::LimitPeriod;
using policy::LimitScope;
using policy::LimitUnit;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMapSize = 64 << 20;
const LimitBook::Key kAlice{LimitScope::account, "alice"}, kScanner{LimitScope::device, "scanner1"};

class Kept : public test::DaemonHost {
 public:
  Kept() { start(); }

  // As after the process was started afresh; what it has not written is gone.
  void start() {
    keeper.reset();
    book.reset();
    reopen(kMapSize);
    book.emplace(
        std::vector<policy::LimitRow>{{LimitScope::account, LimitUnit::messages, LimitPeriod::hour, 0, 2},
                                      {LimitScope::device, LimitUnit::recipients, LimitPeriod::day, 0, 2}});
    keeper.emplace(loop, *directory, *book, [this] { return now; });
  }
  // The keeper goes on with it.
  void reopen(std::uint64_t map_size) {
    directory.reset();
    directory.emplace(state::Directory::open(".", map_size));
  }
  void count(const LimitBook::Key& key) { book->count(key, 1, std::chrono::steady_clock::now()); }
  std::optional<LimitBook::Reached> reached(const LimitBook::Key& key) {
    return book->reached(key, 1, std::chrono::steady_clock::now());
  }
  std::size_t stored() { return directory->view().limit_uses().size(); }

  std::uint64_t now = 1'000'000'000;
  std::optional<state::Directory> directory;
  std::optional<LimitBook> book;
  std::optional<LimitKeeper> keeper;
};

}  // namespace

TEST_CASE("a restart forgets nothing that was written") {
  Kept p;
  for (int i = 0; i < 2; ++i) {
    p.count(kAlice);
    p.count(kScanner);
  }
  p.keeper->write();
  p.now += 1800;
  p.start();
  REQUIRE(p.reached(kAlice));
  const auto left = p.reached(kAlice)->until - std::chrono::steady_clock::now();
  CHECK(left > 29min);
  CHECK(left <= 30min);
  CHECK(p.reached(kScanner));
  p.now += 1800;
  p.start();
  CHECK_FALSE(p.reached(kAlice));
  CHECK(p.reached(kScanner));
}

TEST_CASE("what was not written is forgotten with the process, and only that") {
  Kept p;
  p.count(kAlice);
  p.keeper->write();
  p.count(kAlice);
  REQUIRE(p.reached(kAlice));
  p.start();
  CHECK_FALSE(p.reached(kAlice));
  p.count(kAlice);
  CHECK(p.reached(kAlice));
}

TEST_CASE("a clock that was set back lets nobody send more") {
  Kept p;
  for (int i = 0; i < 2; ++i) p.count(kAlice);
  p.keeper->write();
  p.now -= 7200;
  p.start();
  REQUIRE(p.reached(kAlice));
  CHECK(p.reached(kAlice)->until - std::chrono::steady_clock::now() <= 1h);
}

TEST_CASE("whom an operator releases stays released") {
  Kept p;
  for (int i = 0; i < 2; ++i) p.count(kAlice);
  p.keeper->write();
  CHECK(p.keeper->release(kAlice));
  CHECK_FALSE(p.keeper->release(kAlice));
  p.start();
  CHECK_FALSE(p.reached(kAlice));
  CHECK(p.stored() == 0);
}

TEST_CASE("what has run out leaves the disk, and what has not changed is not written") {
  Kept p;
  p.count(kAlice);
  p.keeper->write();
  CHECK(p.stored() == 1);
  auto update = p.directory->update();
  update.erase_limit_use(LimitScope::account, "alice");
  update.commit();
  p.keeper->write();
  CHECK(p.stored() == 0);

  p.count(kScanner);
  p.keeper->write();
  p.now += 24 * 3600;
  p.start();
  CHECK(p.stored() == 1);
  p.keeper->write();
  CHECK(p.stored() == 0);
}

TEST_CASE("what could not be written is written when it can be") {
  Kept p;
  for (int i = 0; i < 2; ++i) p.count(kAlice);
  p.keeper->write();
  REQUIRE(p.book->release(kAlice));
  for (int i = 0; i < 2'000; ++i) p.count({LimitScope::device, "scanner" + std::to_string(i)});
  p.reopen(1);  // as large as it is: the disk is full
  p.keeper->write();
  CHECK(p.stored() == 1);
  CHECK(p.log().find("state-failed") != std::string::npos);
  p.reopen(kMapSize);
  p.keeper->write();
  CHECK(p.stored() == 2'000);
  p.start();
  CHECK_FALSE(p.reached(kAlice));
}
