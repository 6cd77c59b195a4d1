// Which addresses are tried last.
#include <catch2/catch.hpp>

#include "daemons/channels/relayd.h"
#include "daemons/queued/setbacks.h"

using namespace mailroom;
using namespace mailroom::queued;

namespace {

constexpr Microseconds kNow = 1'000'000'000'000, kMinute = 60'000'000;
const IpAddress kA = *parse_ip_and_port("[2001:db8::1]:25"), kB = *parse_ip_and_port("192.0.2.1:25"),
                kC = *parse_ip_and_port("192.0.2.2:25");
const std::vector<routing::NextHop> kHops{{"one", {kA, kB}, {}}, {"two", {kC}, {}}};
const Setbacks::Scope kOne{"far.test", 1}, kTwo{"far.test", 2}, kElsewhere{"near.test", 1};

std::vector<IpAddress> order(const Setbacks& setbacks, const Setbacks::Scope& scope, Microseconds now) {
  std::vector<IpAddress> out;
  for (const auto& hop : setbacks.in_order(kHops, scope, now).hops)
    out.insert(out.end(), hop.addresses.begin(), hop.addresses.end());
  return out;
}
using Addresses = std::vector<IpAddress>;

TargetResult result(Fate fate, RelayFailure failure, RelayStage stage, std::uint16_t code) {
  return {fate,
          {.code = code,
           .enhanced = {},
           .text = {},
           .host = {},
           .address = {},
           .failure = static_cast<std::uint8_t>(failure),
           .stage = static_cast<std::uint8_t>(stage)}};
}
TargetResult put_off(RelayStage stage, std::uint16_t code = 451) {
  return result(Fate::deferred, RelayFailure::none, stage, code);
}

}  // namespace

TEST_CASE("a host that puts the mail off is tried last, by all of the destination, for a while") {
  Setbacks setbacks;
  setbacks.note(kOne, kA, Setback::of_host, kNow);
  CHECK(order(setbacks, kOne, kNow + 1) == Addresses{kB, kC, kA});
  CHECK(order(setbacks, kTwo, kNow + 1) == Addresses{kB, kC, kA});
  CHECK(order(setbacks, kElsewhere, kNow + 1) == Addresses{kA, kB, kC});
  CHECK(order(setbacks, kTwo, kNow + Setbacks::kHostKept) == Addresses{kA, kB, kC});
  const auto ordered = setbacks.in_order(kHops, kOne, kNow + 1);
  REQUIRE(ordered.hops.size() == 3);
  CHECK(ordered.first == 2);
  CHECK(ordered.hops[0].name == "one");
  CHECK(ordered.hops[2].name == "one");
}

TEST_CASE("of what has taken nothing, the longest ago comes first") {
  Setbacks setbacks;
  setbacks.note(kOne, kB, Setback::of_host, kNow);
  setbacks.note(kOne, kA, Setback::of_host, kNow + 1);
  setbacks.note(kOne, kC, Setback::of_host, kNow + 2);
  CHECK(order(setbacks, kOne, kNow + 3) == Addresses{kB, kA, kC});
  setbacks.note(kOne, kB, Setback::of_message, kNow + 3);
  CHECK(order(setbacks, kOne, kNow + 4) == Addresses{kA, kC, kB});
  CHECK(order(setbacks, kTwo, kNow + 4) == Addresses{kB, kA, kC});
}

TEST_CASE("what concerns one message changes the way of no other, and outlasts the wait for its retry") {
  Setbacks setbacks;
  setbacks.note(kOne, kA, Setback::of_message, kNow);
  CHECK(setbacks.holds(kOne, kA, kNow + 5 * 60 * kMinute));
  CHECK_FALSE(setbacks.holds(kOne, kA, kNow + Setbacks::kMessageKept));
  CHECK_FALSE(setbacks.holds(kTwo, kA, kNow));
  setbacks.note(kOne, kB, Setback::none, kNow);
  CHECK_FALSE(setbacks.holds(kOne, kB, kNow));
}

TEST_CASE("an address that has taken something is as before") {
  Setbacks setbacks;
  setbacks.note(kOne, kA, Setback::of_host, kNow);
  setbacks.worked(kOne, kA);
  CHECK(order(setbacks, kOne, kNow + 1) == Addresses{kA, kB, kC});
}

TEST_CASE("a Unix socket stays where it is") {
  const std::vector<routing::NextHop> unix{{"lists", {}, {}}};
  CHECK(Setbacks{}.in_order(unix, kOne, kNow).hops.size() == 1);
}

TEST_CASE("there is a limit to what is remembered") {
  Setbacks setbacks;
  std::size_t most = 0;
  for (QueueId id = 1; id <= 3 * Setbacks::kMost; ++id) {
    setbacks.note({"far.test", id}, kA, Setback::of_host, kNow);
    most = std::max(most, setbacks.size());
  }
  CHECK(most <= Setbacks::kMost);
  CHECK(setbacks.holds({"far.test", 3 * Setbacks::kMost}, kA, kNow));
}

TEST_CASE("what an attempt says about the address") {
  const TargetResult taken = result(Fate::relayed, RelayFailure::none, RelayStage::final_dot, 250);
  const TargetResult refused = result(Fate::refused, RelayFailure::none, RelayStage::rcpt, 550);
  const TargetResult cut = result(Fate::deferred, RelayFailure::cut, RelayStage::final_dot, 0);
  CHECK(setback_of({put_off(RelayStage::mail)}) == Setback::of_host);
  CHECK(setback_of({put_off(RelayStage::data), put_off(RelayStage::data)}) == Setback::of_host);
  CHECK(setback_of({cut}) == Setback::of_host);
  CHECK(setback_of({put_off(RelayStage::rcpt, 421)}) == Setback::of_host);
  CHECK(setback_of({put_off(RelayStage::rcpt)}) == Setback::of_message);
  CHECK(setback_of({put_off(RelayStage::final_dot)}) == Setback::of_message);
  CHECK(setback_of({put_off(RelayStage::rcpt), put_off(RelayStage::data)}) == Setback::of_message);
  CHECK(setback_of({refused, put_off(RelayStage::rcpt)}) == Setback::of_message);
  CHECK(setback_of({refused}) == Setback::none);
  CHECK(setback_of({taken, put_off(RelayStage::rcpt)}) == Setback::none);
  CHECK(setback_of({result(Fate::deferred, RelayFailure::local, RelayStage::connect, 0)}) == Setback::none);
}

TEST_CASE("another host may have at once what is put off for the host alone, and not in doubt") {
  const TargetResult refused = result(Fate::refused, RelayFailure::none, RelayStage::rcpt, 550);
  const auto cut = [](RelayStage stage) { return result(Fate::deferred, RelayFailure::cut, stage, 0); };
  CHECK(may_go_elsewhere({put_off(RelayStage::mail), refused}));
  CHECK(may_go_elsewhere({put_off(RelayStage::final_dot, 421)}));
  CHECK(may_go_elsewhere({cut(RelayStage::data), cut(RelayStage::connect)}));
  CHECK_FALSE(may_go_elsewhere({cut(RelayStage::final_dot)}));
  CHECK_FALSE(may_go_elsewhere({put_off(RelayStage::data), cut(RelayStage::final_dot)}));
  CHECK_FALSE(may_go_elsewhere({put_off(RelayStage::rcpt)}));
  CHECK_FALSE(may_go_elsewhere({put_off(RelayStage::final_dot)}));
  CHECK_FALSE(may_go_elsewhere({refused}));
  CHECK_FALSE(may_go_elsewhere({}));
}
