#include "libcommon/policy/limits.h"

#include <catch2/catch.hpp>
#include <set>

#include "libcommon/policy/forward_clock.h"

using namespace mailroom::policy;
using namespace std::chrono_literals;

namespace {

const LimitBook::Time kNow{std::chrono::hours{1'000}};
const LimitBook::Key kAlice{LimitScope::account, "alice"};

LimitBook book_of(std::vector<LimitRow> rows) { return LimitBook{std::move(rows)}; }

}  // namespace

TEST_CASE("a hard limit of messages holds until its window ends") {
  auto book = book_of({{LimitScope::account, LimitUnit::messages, LimitPeriod::minute, 0, 2}});
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(book.reached(kAlice, 1, kNow + 10s * i));
    book.count(kAlice, 1, kNow + 10s * i);
  }
  const auto reached = book.reached(kAlice, 1, kNow + 30s);
  REQUIRE(reached);
  CHECK(reached->unit == LimitUnit::messages);
  CHECK(reached->until == kNow + 60s);
  CHECK_FALSE(book.reached(kAlice, 0, kNow + 30s));  // more recipients of the last message
  CHECK_FALSE(book.reached({LimitScope::account, "bob"}, 1, kNow + 30s));
  CHECK_FALSE(book.reached({LimitScope::address, "alice"}, 1, kNow + 30s));
  CHECK_FALSE(book.reached(kAlice, 1, kNow + 60s));
}

TEST_CASE("recipients count one by one, messages with their first") {
  auto book = book_of({{LimitScope::account, LimitUnit::recipients, LimitPeriod::hour, 0, 3},
                       {LimitScope::account, LimitUnit::messages, LimitPeriod::day, 0, 10}});
  for (const unsigned first : {1U, 0U, 0U}) book.count(kAlice, first, kNow);
  const auto reached = book.reached(kAlice, 0, kNow);
  REQUIRE(reached);
  CHECK(reached->unit == LimitUnit::recipients);
  CHECK(book.lines_after(std::nullopt, 100, kNow).at(2).use.messages == 1);
}

TEST_CASE("of several limits the one that ends last is said") {
  auto book = book_of({{LimitScope::account, LimitUnit::messages, LimitPeriod::minute, 0, 1},
                       {LimitScope::account, LimitUnit::messages, LimitPeriod::day, 0, 1}});
  book.count(kAlice, 1, kNow);
  CHECK(book.reached(kAlice, 1, kNow + 1s)->until == kNow + 24h);
}

TEST_CASE("passing a soft limit is told once in a window") {
  auto book = book_of({{LimitScope::account, LimitUnit::messages, LimitPeriod::hour, 2, 0}});
  CHECK(book.count(kAlice, 1, kNow).empty());
  CHECK(book.count(kAlice, 1, kNow).empty());
  CHECK(book.count(kAlice, 1, kNow).size() == 1);
  CHECK(book.count(kAlice, 1, kNow).empty());
  CHECK_FALSE(book.reached(kAlice, 1, kNow));
  CHECK(book.count(kAlice, 1, kNow + 61min).empty());
}

TEST_CASE("a speaker's own limits go before the general ones") {
  auto book = book_of({{LimitScope::account, LimitUnit::messages, LimitPeriod::hour, 0, 1}});
  const std::vector<LimitRow> own{{LimitScope::account, LimitUnit::messages, LimitPeriod::hour, 0, 3}};
  book.count(kAlice, 1, kNow, own);
  CHECK(book.reached(kAlice, 1, kNow));
  CHECK_FALSE(book.reached(kAlice, 1, kNow, own));
  const std::vector<LimitRow> none{{LimitScope::account, LimitUnit::messages, LimitPeriod::hour, 0, 0}};
  for (int i = 0; i < 5; ++i) book.count(kAlice, 1, kNow, none);
  CHECK_FALSE(book.reached(kAlice, 1, kNow, none));
}

TEST_CASE("an operator releases, and lists what runs") {
  auto book = book_of({{LimitScope::account, LimitUnit::messages, LimitPeriod::hour, 0, 1}});
  book.count(kAlice, 1, kNow);
  CHECK(book.lines_after(std::nullopt, 100, kNow).size() == 3);
  CHECK(book.lines_after(std::nullopt, 100, kNow + 2h).size() == 1);
  CHECK(book.lines_after(kAlice, 100, kNow).empty());
  CHECK(book.release(kAlice));
  CHECK_FALSE(book.release(kAlice));
  CHECK_FALSE(book.reached(kAlice, 1, kNow));
}

TEST_CASE("many addresses fill no memory, and do not free an account") {
  LimitBook book{{{LimitScope::account, LimitUnit::messages, LimitPeriod::day, 0, 1},
                  {LimitScope::address, LimitUnit::messages, LimitPeriod::day, 0, 1}},
                 100};
  book.count(kAlice, 1, kNow);
  for (int i = 0; i < 1'000; ++i) book.count({LimitScope::address, std::to_string(i)}, 1, kNow);
  CHECK(book.lines_after(std::nullopt, 10'000, kNow).size() <= 300);
  CHECK(book.reached(kAlice, 1, kNow));
}

TEST_CASE("a copy of the book follows it by what has changed") {
  auto book = book_of({{LimitScope::account, LimitUnit::messages, LimitPeriod::day, 0, 2}});
  const LimitBook::Key bob{LimitScope::account, "bob"};
  book.count(kAlice, 1, kNow);
  book.count(kAlice, 1, kNow + 1s);
  book.count(bob, 1, kNow);
  auto changes = book.changes(kNow + 2s);
  REQUIRE(changes.counted.size() == 2);
  CHECK(changes.gone.empty());
  book.copied();
  CHECK(book.changes(kNow + 2s).counted.empty());

  auto restored = book_of({{LimitScope::account, LimitUnit::messages, LimitPeriod::day, 0, 2}});
  for (const auto& [key, uses] : changes.counted) restored.restore(key, uses);
  CHECK(restored.reached(kAlice, 1, kNow + 3s)->until == kNow + 24h);
  CHECK_FALSE(restored.reached(bob, 1, kNow + 3s));
  CHECK(restored.changes(kNow + 3s).counted.empty());

  book.count(bob, 0, kNow + 3s);
  book.release(kAlice);
  for (int i = 0; i < 2; ++i) {  // the first time the copy could not be written
    changes = book.changes(kNow + 4s);
    REQUIRE(changes.counted.size() == 1);
    CHECK(changes.counted[0].first == bob);
    CHECK(changes.gone == std::vector{kAlice});
  }
  book.copied();
  CHECK(book.changes(kNow + 25h).gone == std::vector{bob});
  book.copied();
  CHECK_FALSE(book.knows(bob));

  book.count(kAlice, 1, kNow);
  book.release(kAlice);  // the copy has never heard of it
  CHECK(book.changes(kNow).gone.empty());
}

TEST_CASE("what makes room for others leaves the copy too, which is so bounded") {
  LimitBook book{{{LimitScope::address, LimitUnit::messages, LimitPeriod::day, 0, 1}}, 2};
  std::set<std::string> copy;
  for (int i = 0; i < 50; ++i) {
    book.count({LimitScope::address, std::to_string(i)}, 1, kNow);
    const auto changes = book.changes(kNow);
    book.copied();
    for (const auto& key : changes.gone) CHECK(copy.erase(key.name) == 1);
    for (const auto& [key, uses] : changes.counted) copy.insert(key.name);
    CHECK(copy.size() <= 2);
  }
}

TEST_CASE("what nobody limits is not counted") {
  auto book = book_of({});
  book.count(kAlice, 1, kNow);
  CHECK(book.lines_after(std::nullopt, 100, kNow).empty());
}

TEST_CASE("a forward clock is never set back") {
  const ForwardClock::Steady start{1'000s};
  ForwardClock clock{5'000, 4'000, start};  // the system's clock was set back while nothing ran
  CHECK(clock.now(4'000, start) == 5'000);
  CHECK(clock.now(4'010, start + 10s) == 5'010);
  CHECK(clock.now(100, start + 20s) == 5'020);    // set back again
  CHECK(clock.now(9'000, start + 30s) == 9'000);  // set forward
  CHECK(clock.now(5'040, start + 40s) == 9'010);  // and right again
  CHECK(clock.now(5'040, start + 40s + 999ms) == 9'010);
  CHECK(clock.now(5'041, start + 41s) == 9'011);
}
