// Connections over time: how many there are, and what changes while one is being answered.
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

TEST_CASE("a password that is changed before the answer to it proves nothing") {
  Authd a;
  a.launch.config.authd.account_failures = 1;
  a.set_password("alice", "the old password");
  auto child = a.open(1);
  for (int i = 0; i < 3; ++i) a.log_in(child, plain("alice", "wrong"));
  // Longer than a busy machine takes for the new password.
  a.launch.config.authd.failure_delay = a.launch.config.authd.max_failure_delay = std::chrono::seconds{2};
  child.send(SaslStart{"PLAIN", plain("alice", "the old password")});  // right, and its answer is delayed
  a.pump();
  a.set_password("alice", "the new password");
  CHECK(refusal(a.finish(child)) == LoginRefusal::bad_credentials);
  CHECK_FALSE(a.last_proved);
}

}  // namespace
