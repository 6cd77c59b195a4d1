// What a decision costs: at most 20 microseconds of CPU, directory and all.
#include <ctime>

#include "daemons/policyd/judge.h"
#include "tests/unit/daemon_host.h"
#include "tests/unit/policyd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;

namespace {

double cpu_microseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

constexpr int kAccounts = 2'000, kDevices = 2'000, kDecisions = 20'000;
constexpr double kMostMicroseconds = 20;

}  // namespace

TEST_CASE("a decision costs at most 20 microseconds, with 2,000 accounts and devices, 45 domains and 200 "
          "networks",
          "[bare]") {
  DaemonHost host;
  for (int i = 0; i < 44; ++i) host.launch.config.domains.push_back("d" + std::to_string(i) + ".example.org");
  for (int i = 0; i < 200; ++i)
    host.launch.config.networks.push_back(
        {NetworkKind::campus, *parse_ip_network("10." + std::to_string(i) + ".0.0/16")});
  host.launch.config.policyd.pop_before_smtp = std::chrono::minutes{30};
  auto directory = state::Directory::open(".", host.launch.config.policyd.state_map_size);
  auto update = directory.update();
  for (int i = 0; i < kAccounts; ++i) {
    const auto id = update.add({.name = "user" + std::to_string(i)}, 1'000'000);
    REQUIRE(id);
    REQUIRE(update.set_alias("first.last" + std::to_string(i) + "@example.org", {*id}));
  }
  for (int i = 0; i < kDevices; ++i) {
    policy::Registration device;
    device.name = "scanner" + std::to_string(i);
    device.state = policy::DeviceState::active;
    device.dns_names = {device.name + ".example.org", device.name + "-b.example.org"};
    device.principals = {"smtp-relay/" + device.name + ".example.org"};
    device.from = {"office@elsewhere.test", "scans@devices.test"};
    device.contacts = {"alice@example.org", "bob@example.org"};
    device.purpose = "Copier of the library, second floor";
    device.networks = {*parse_ip_network("198.51.100.0/24")};
    REQUIRE(update.put_device(device, {1, policy::DeviceStep::request, "staff", "ticket 4711", ""}));
  }
  update.commit();
  policyd::GrantDesk grants{host.loop, directory, host.launch.config, [](const IpNetwork&) {},
                            [] { return 1'000'000; }};
  policy::LimitBook limits{host.launch.config.limits};
  policyd::Judge judge{directory, host.launch.config, grants, limits};

  struct Row {
    policyd::Question question;
    std::string_view rule;
  };
  const IpAddress home = parse_ip_network("198.51.100.7")->base,
                  campus = parse_ip_network("10.199.1.2")->base;
  using policy::Listener;
  const Row row = GENERATE_COPY(
      Row{{.listener = Listener::mx,
           .client = home,
           .reverse_path = "a@b.test",
           .forward_path = "user77@example.org"},
          "local-recipient"},
      Row{{.listener = Listener::mx,
           .client = home,
           .reverse_path = "a@b.test",
           .forward_path = "no.body+x+y@example.org"},
          "unknown-recipient"},
      Row{{.listener = Listener::submission,
           .client = home,
           .login = 78,
           .reverse_path = "first.last77@example.org",
           .forward_path = "x@elsewhere.test"},
          "account-to-anybody"},
      Row{{.listener = Listener::outgoing,
           .client = campus,
           .reverse_path = "a@b.test",
           .forward_path = "x@elsewhere.test"},
          "campus-to-anybody"},
      Row{{.listener = Listener::relay,
           .client = home,
           .reverse_name = {policy::ReverseName::confirmed, {"other.example.org", "scanner1977.example.org"}},
           .reverse_path = "scans@devices.test",
           .forward_path = "x@elsewhere.test"},
          "device-to-anybody"},
      Row{{.listener = Listener::relay,
           .client = home,
           .principal = "smtp-relay/scanner1978.example.org",
           .reverse_path = "scans@devices.test",
           .forward_path = "x@elsewhere.test"},
          "device-to-anybody"});
  CHECK(judge.judge(row.question).verdict.rule == row.rule);
  const double before = cpu_microseconds();
  for (int i = 0; i < kDecisions; ++i) judge.judge(row.question);
  const double each = (cpu_microseconds() - before) / kDecisions;
  WARN(row.rule << ": " << each << " us");
  CHECK(each < kMostMicroseconds);
}
