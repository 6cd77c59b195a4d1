#include "daemons/authd/failure_counts.h"

#include <catch2/catch.hpp>
#include <string>

using namespace mailroom::authd;
using namespace std::chrono_literals;

namespace {
constexpr FailureCounts<std::string>::Time kStart{100h};
}

TEST_CASE("failures count for a window and then fade") {
  FailureCounts<std::string> counts{10min};
  for (int i = 0; i < 8; ++i) counts.add("alice", kStart);
  CHECK(counts.count("alice", kStart + 9min) == 8);
  CHECK(counts.count("bob", kStart) == 0);
  CHECK(counts.count("alice", kStart + 15min) <= 8);
  CHECK(counts.count("alice", kStart + 19min) < 8);
  CHECK(counts.count("alice", kStart + 40min) == 0);
}

TEST_CASE("memory is bounded whoever chooses the keys, and recent failures are kept") {
  FailureCounts<std::string> counts{10min, 100};
  for (int i = 0; i < 1000; ++i) counts.add("u" + std::to_string(i), kStart);
  CHECK(counts.count("u999", kStart) == 1);
  CHECK(counts.count("u0", kStart) == 0);
  counts.add("u999", kStart);
  CHECK(counts.count("u999", kStart) == 2);
}
