#include "daemons/dnsd/turns.h"

#include <catch2/catch.hpp>

#include <vector>

namespace mailroom::dnsd {
namespace {

Turns::Turn turn(AskerKey asker, const std::string& name) { return {asker, {dns::Type::a, name}}; }
std::string number(std::size_t n) { return std::to_string(n); }

std::vector<Turns::Turn> all(Turns& turns) {
  std::vector<Turns::Turn> out;
  while (auto next = turns.next()) out.push_back(*next);
  return out;
}

TEST_CASE("askers take turns") {
  Turns turns;
  for (std::size_t n = 0; n < 3; ++n) turns.wait(turn(1, "a.site" + number(n)));
  turns.wait(turn(2, "b.test"));
  CHECK(all(turns) ==
        std::vector{turn(1, "a.site0"), turn(2, "b.test"), turn(1, "a.site1"), turn(1, "a.site2")});
}

TEST_CASE("so do the sites of an asker") {
  Turns turns;
  for (std::size_t n = 0; n < 3; ++n) turns.wait(turn(1, "h" + number(n) + ".lame.test"));
  turns.wait(turn(1, "mx.good.test"));
  CHECK(all(turns).at(1) == turn(1, "mx.good.test"));
}

TEST_CASE("a site that does not answer has so many questions under way, and others go on") {
  Turns turns;
  for (std::size_t n = 0; n < Turns::kMaxOfSite + 10; ++n)
    turns.wait(turn(1, "h" + number(n) + ".lame.test"));
  const auto begun = all(turns);
  CHECK(begun.size() == Turns::kMaxOfSite);
  turns.wait(turn(1, "mx.good.test"));
  CHECK(turns.next() == turn(1, "mx.good.test"));
  CHECK_FALSE(turns.next());
  turns.done(begun.at(3));
  CHECK(turns.next() == turn(1, "h" + number(Turns::kMaxOfSite) + ".lame.test"));
  CHECK_FALSE(turns.next());
}

TEST_CASE("half of what an asker may have is for sites with nothing under way") {
  Turns turns;
  for (std::size_t site = 0; site < 100; ++site)
    for (std::size_t n = 0; n < Turns::kMaxOfSite; ++n)
      turns.wait(turn(1, "h" + number(n) + ".dead" + number(site) + ".test"));
  const auto begun = all(turns);
  CHECK(begun.size() == Turns::kMaxOfBusySites);
  turns.wait(turn(1, "a.good.org"));
  turns.wait(turn(1, "b.good.org"));
  CHECK(turns.next() == turn(1, "a.good.org"));
  CHECK_FALSE(turns.next());
  turns.done(turn(1, "a.good.org"));
  CHECK(turns.next() == turn(1, "b.good.org"));
  turns.done(turn(1, "b.good.org"));
  for (const auto& each : begun) turns.done(each);
  std::size_t rest = 0;
  for (auto next = turns.next(); next; next = turns.next(), ++rest) turns.done(*next);
  CHECK(rest == 100 * Turns::kMaxOfSite - begun.size());
  CHECK(turns.questions_of(1) == 0);
}

TEST_CASE("nobody has all that may be under way") {
  Turns turns;
  for (std::size_t n = 0; n < 2 * Turns::kMaxOfAsker; ++n) turns.wait(turn(1, "x.site" + number(n)));
  const auto begun = all(turns);
  CHECK(begun.size() == Turns::kMaxOfAsker);
  turns.wait(turn(2, "mx.good.test"));
  CHECK(turns.next() == turn(2, "mx.good.test"));
  CHECK(turns.questions_of(1) == 2 * Turns::kMaxOfAsker);
  CHECK(turns.questions_of(2) == 1);
  for (const auto& each : begun) turns.done(each);
  CHECK(turns.questions_of(1) == Turns::kMaxOfAsker);
  CHECK(all(turns).size() == Turns::kMaxOfAsker);
}

TEST_CASE("what nobody waits for takes no turn and no room") {
  Turns turns;
  for (std::size_t n = 0; n <= Turns::kMaxOfSite; ++n) turns.wait(turn(1, "h" + number(n) + ".lame.test"));
  turns.wait(turn(1, "a.good.test"));
  turns.wait(turn(1, "b.good.test"));
  REQUIRE(turns.next() == turn(1, "h0.lame.test"));
  CHECK_FALSE(turns.drop(turn(1, "h0.lame.test")));
  CHECK(turns.drop(turn(1, "a.good.test")));
  CHECK(turns.drop(turn(1, "h1.lame.test")));
  CHECK_FALSE(turns.drop(turn(1, "h1.lame.test")));
  CHECK_FALSE(turns.drop(turn(2, "b.good.test")));
  CHECK(turns.questions_of(1) == Turns::kMaxOfSite + 1);
  CHECK(turns.next() == turn(1, "b.good.test"));
  turns.done(turn(1, "b.good.test"));
  for (std::size_t n = 2; n <= Turns::kMaxOfSite; ++n)
    CHECK(turns.drop(turn(1, "h" + number(n) + ".lame.test")));
  CHECK_FALSE(turns.next());
  turns.done(turn(1, "h0.lame.test"));
  CHECK(turns.questions_of(1) == 0);
  turns.wait(turn(1, "h9.lame.test"));
  CHECK(turns.next() == turn(1, "h9.lame.test"));
}

TEST_CASE("what a site is") {
  CHECK(site_of("a.b.example.org") == "example.org");
  CHECK(site_of("example.org") == "example.org");
  CHECK(site_of("org") == "org");
  CHECK(site_of("") == "");
  CHECK(site_of("a.b.example.co.uk") == "example.co.uk");
  CHECK(site_of("co.uk") == "co.uk");
  CHECK(site_of("mx.university.de") == "university.de");
  CHECK(site_of("1.2.0.192.in-addr.arpa") == "0.192.in-addr.arpa");
  CHECK(site_of("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.3.2.1.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa") ==
        "8.b.d.0.1.0.0.2.ip6.arpa");
}

}  // namespace
}  // namespace mailroom::dnsd
