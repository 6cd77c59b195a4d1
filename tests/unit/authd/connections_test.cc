// How many connections authd has, over time.
#include "tests/unit/authd/fixture.h"

namespace {

using namespace mailroom;
using namespace mailroom::test;

TEST_CASE("connections that have ended make room, though no listener tells of their end") {
  Authd a;
  a.set_password("alice", "a good password");
  constexpr ConnectionId kAtOnce = 100;
  for (ConnectionId id = 1; id <= authd::kMaxConnections + kAtOnce; id += kAtOnce) {
    std::vector<Child> children;
    for (ConnectionId i = 0; i < kAtOnce; ++i) children.push_back(a.open(id + i));
    a.pump();
    children.clear();
    a.pump();
  }
  auto child = a.open(1'000'000);
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(child, plain("alice", "a good password"))));
}

}  // namespace
