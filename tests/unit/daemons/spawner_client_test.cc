#include "daemons/supervisor/spawner_client.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

using namespace mailroom;

namespace {

using Spawner = ipc::MessageChannel<SpawnerToSupervisor, SupervisorToSpawner>;
using Wait = Spawner::Wait;

// A client and what stands for mailroomd.
struct Pair {
  Pair() : Pair{ipc::make_channel()} {}
  explicit Pair(std::pair<Fd, Fd>&& ends) : client{std::move(ends.first)}, spawner{std::move(ends.second)} {}
  SpawnerClient client;
  Spawner spawner;
};

int error_of_start(SpawnerClient& client, const std::vector<int>& passed) {
  try {
    client.start(Role::keyd, STDERR_FILENO, STDERR_FILENO, passed);
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

// Nothing more can be opened while it lives.
class FullTable {
 public:
  FullTable() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const Fd next{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const rlimit full{static_cast<rlim_t>(next.get()), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &full);
  }
  ~FullTable() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("descriptors go in packets, of which the first says so") {
  Pair pair;
  REQUIRE(pair.spawner.send(NotStarted{ENOENT}) == ipc::SendResult::sent);
  CHECK(error_of_start(pair.client, std::vector<int>(9, STDIN_FILENO)) == ENOENT);
  for (const auto& [first, count] : {std::pair{true, 8}, std::pair{false, 1}}) {
    const auto passed = pair.spawner.receive(Wait::no, ipc::kMaxDescriptors);
    REQUIRE(passed);
    CHECK(std::get<PassDescriptors>(passed->message).first == first);
    CHECK(passed->descriptors.size() == static_cast<std::size_t>(count));
  }
  const auto start = pair.spawner.receive(Wait::no, ipc::kMaxDescriptors);
  REQUIRE(start);
  CHECK(std::get<StartProcess>(start->message).role == Role::keyd);
}

TEST_CASE("a process that is given nothing has nothing of what was meant for another") {
  Pair pair;
  REQUIRE(pair.spawner.send(NotStarted{ENOENT}) == ipc::SendResult::sent);
  CHECK(error_of_start(pair.client, {}) == ENOENT);
  const auto passed = pair.spawner.receive(Wait::no, ipc::kMaxDescriptors);
  REQUIRE(passed);
  CHECK(std::get<PassDescriptors>(passed->message).first);
}

TEST_CASE("a start with more descriptors than there is room for is not asked for") {
  Pair pair;
  CHECK(error_of_start(pair.client, std::vector<int>(kMostPassed + 1, STDIN_FILENO)) == E2BIG);
  CHECK(!pair.spawner.receive(Wait::no, ipc::kMaxDescriptors));
}

TEST_CASE("a start whose answer finds no room for its descriptor has failed, and the next does not") {
  Pair pair;
  const int end = STDIN_FILENO;
  REQUIRE(pair.spawner.send(ProcessStarted{17}, {&end, 1}) == ipc::SendResult::sent);
  {
    const FullTable full;
    CHECK(error_of_start(pair.client, {}) == EMFILE);
  }
  REQUIRE(pair.spawner.send(ProcessStarted{18}, {&end, 1}) == ipc::SendResult::sent);
  CHECK(pair.client.start(Role::keyd, STDERR_FILENO, STDERR_FILENO, {}).pid == 18);
}
