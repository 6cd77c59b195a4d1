#include "daemons/listener/connection_table.h"

#include <catch2/catch.hpp>

namespace {

using namespace mailroom;
using Refusal = ConnectionTable::Refusal;

constexpr ConnectionLimits kLimits{.total = 4, .per_address = 2, .sessions = 3, .per_account = 2};
const ConnectionTable::Time kStart{std::chrono::hours{1}};

IpAddress host(const char* text) { return *parse_ip_and_port(text); }

TEST_CASE("a service takes its number of connections, an address its own") {
  ConnectionTable table{kLimits, 1000};
  CHECK(table.open(1, host("192.0.2.1:1"), kStart));
  CHECK(table.open(2, host("192.0.2.1:2"), kStart));
  CHECK(table.open(3, host("192.0.2.1:3"), kStart).error() == Refusal::address_full);
  CHECK(table.open(3, host("192.0.2.2:1"), kStart));
  const auto last = table.open(4, host("192.0.2.3:1"), kStart);
  REQUIRE(last);
  CHECK(table.open(5, host("192.0.2.4:1"), kStart).error() == Refusal::service_full);
  table.close(*last);
  CHECK(table.open(5, host("192.0.2.4:1"), kStart));
}

TEST_CASE("a uid is nobody else's while the process of a connection that is over still lives") {
  ConnectionTable table{kLimits, 8};
  const auto slot = *table.open(1, host("192.0.2.1:1"), kStart);
  table.close(slot);
  for (ConnectionId id = 2; id < 6; ++id)
    CHECK(*table.open(id, host(("192.0.2." + std::to_string(id) + ":1").c_str()), kStart) != slot);
}

TEST_CASE("what goes on as the relay of a session leaves its place before login to others") {
  ConnectionTable table{kLimits, 1000};
  for (ConnectionId id = 1; id <= 6; ++id) {
    const auto slot = table.open(id, host(("192.0.2." + std::to_string(id) + ":1").c_str()), kStart);
    REQUIRE(slot);
    REQUIRE(table.admit(id, {7, "seven"}, kStart));
    REQUIRE(table.use_verdict(*slot, kStart));
  }
}

TEST_CASE("a revoked verdict starts nothing, and no other is taken") {
  ConnectionTable table{kLimits, 1000};
  const auto slot = *table.open(1, host("192.0.2.1:1"), kStart);
  const auto other = *table.open(2, host("192.0.2.2:1"), kStart);
  REQUIRE(table.admit(1, {7, "seven"}, kStart));
  REQUIRE(table.admit(2, {8, "eight"}, kStart));
  table.revoke(7);
  CHECK_FALSE(table.admit(1, {7, "seven"}, kStart));
  CHECK_FALSE(table.use_verdict(slot, kStart));
  CHECK(table.use_verdict(other, kStart));
}

TEST_CASE("the pool of uids bounds the service too") {
  ConnectionTable table{kLimits, 1};
  CHECK(table.open(1, host("192.0.2.1:1"), kStart) == 0U);
  CHECK(table.open(2, host("192.0.2.2:1"), kStart).error() == Refusal::service_full);
}

TEST_CASE("the connection that has been there longest without login goes first") {
  ConnectionTable table{kLimits, 1000};
  const auto first = *table.open(1, host("192.0.2.1:1"), kStart);
  const auto second = *table.open(2, host("192.0.2.2:1"), kStart + std::chrono::seconds{1});
  CHECK(table.oldest_before_login() == first);
  REQUIRE(table.admit(1, {7, "seven"}, kStart));
  CHECK(table.oldest_before_login() == first);  // admitted is not handed over
  REQUIRE(table.use_verdict(first, kStart));
  CHECK(table.oldest_before_login() == second);
}

TEST_CASE("a verdict is for a known connection, good once, and not for long") {
  ConnectionTable table{kLimits, 1000};
  const auto slot = *table.open(1, host("192.0.2.1:1"), kStart);
  CHECK_FALSE(table.use_verdict(slot, kStart));        // none
  CHECK_FALSE(table.admit(99, {7, "seven"}, kStart));  // no such connection
  CHECK(table.admit(1, {7, "seven"}, kStart));
  CHECK_FALSE(table.admit(1, {8, "eight"}, kStart));  // a second
  CHECK(table.use_verdict(slot, kStart + std::chrono::seconds{9})->account == 7);
  CHECK_FALSE(table.use_verdict(slot, kStart + std::chrono::seconds{9}));  // used
  CHECK_FALSE(table.admit(1, {7, "seven"}, kStart));                       // an old verdict again

  const auto other = *table.open(2, host("192.0.2.1:2"), kStart);
  CHECK(table.admit(2, {7, "seven"}, kStart));
  CHECK_FALSE(table.use_verdict(other, kStart + kVerdictLifetime));  // expired, and gone
  CHECK_FALSE(table.use_verdict(other, kStart));
}

TEST_CASE("a verdict dies with its connection") {
  ConnectionTable table{kLimits, 1000};
  const auto slot = *table.open(1, host("192.0.2.1:1"), kStart);
  REQUIRE(table.admit(1, {7, "seven"}, kStart));
  table.close(slot);
  table.release(slot);
  CHECK(*table.open(2, host("192.0.2.1:1"), kStart) == slot);
  CHECK_FALSE(table.use_verdict(slot, kStart));
}

TEST_CASE("sessions are counted for the service and the account") {
  ConnectionTable table{kLimits, 1000};
  CHECK(table.open_session(7));
  CHECK(table.open_session(7));
  CHECK_FALSE(table.open_session(7));
  CHECK(table.open_session(8));
  CHECK_FALSE(table.open_session(9));
  table.close_session(7);
  CHECK(table.open_session(9));
  CHECK(table.sessions() == 3);
}

}  // namespace
