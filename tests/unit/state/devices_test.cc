#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "spool/state/directory.h"

using namespace mailroom::state;
using mailroom::policy::DeviceHistory;
using mailroom::policy::DeviceState;
using mailroom::policy::DeviceStep;
using mailroom::policy::Registration;

namespace {

constexpr std::uint64_t kMap = 64 << 20;

struct Registry {
  Registry() {
    std::string pattern = "/tmp/devices_test.XXXXXX";
    path = ::mkdtemp(pattern.data());
    reopen();
  }
  ~Registry() { std::filesystem::remove_all(path); }
  // With verify(), which walks every record.
  void reopen() {
    directory.reset();
    directory.emplace(Directory::open(path, kMap));
  }
  std::expected<void, std::string> put(const Registration& device, DeviceStep step, std::uint64_t at = 1) {
    auto update = directory->update();
    auto done = update.put_device(device, {at, step, "staff", "why", ""});
    if (done) update.commit();
    return done;
  }

  std::string path;
  std::optional<Directory> directory;
};

Registration device(const std::string& name) {
  Registration made;
  made.name = name;
  made.state = DeviceState::active;
  made.dns_names = {name + ".example.edu"};
  made.principals = {"smtp-relay/" + name};
  made.from = {name + "@example.edu"};
  made.contacts = {"alice@example.edu"};
  made.purpose = "test";
  return made;
}

}  // namespace

TEST_CASE("a device is found by its name, its DNS names and its principals, after a restart too") {
  Registry registry;
  REQUIRE(registry.put(device("scanner1"), DeviceStep::request));
  registry.reopen();
  const auto view = registry.directory->view();
  CHECK(view.device("scanner1") == device("scanner1"));
  CHECK(view.device_of_host("scanner1.example.edu") == device("scanner1"));
  CHECK(view.device_of_principal("smtp-relay/scanner1") == device("scanner1"));
  CHECK_FALSE(view.device("scanner"));
  CHECK_FALSE(view.device_of_host("scanner2.example.edu"));
  CHECK_FALSE(view.device_of_host(std::string(600, 'x')));
}

TEST_CASE("two devices are never known by the same thing") {
  Registry registry;
  REQUIRE(registry.put(device("a"), DeviceStep::request));
  Registration other = device("b");
  other.dns_names.push_back("a.example.edu");
  const auto refused = registry.put(other, DeviceStep::request);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().find("a.example.edu") != std::string::npos);
  other = device("b");
  other.principals = {"smtp-relay/a"};
  CHECK_FALSE(registry.put(other, DeviceStep::request));
  CHECK_FALSE(registry.directory->view().device("b"));
  registry.reopen();
}

TEST_CASE("a removed device gives back what it was known by, and keeps its history") {
  Registry registry;
  Registration gone = device("a");
  REQUIRE(registry.put(gone, DeviceStep::request));
  gone.state = DeviceState::removed;
  REQUIRE(registry.put(gone, DeviceStep::remove, 2));
  registry.reopen();
  CHECK_FALSE(registry.directory->view().device_of_host("a.example.edu"));
  Registration heir = device("b");
  heir.dns_names = {"a.example.edu"};
  REQUIRE(registry.put(heir, DeviceStep::request));
  registry.reopen();
  const auto view = registry.directory->view();
  CHECK(view.device_of_host("a.example.edu")->name == "b");
  CHECK(view.device("a")->state == DeviceState::removed);
  CHECK(view.device_history("a", 0, 10).size() == 2);
}

TEST_CASE("changed names are found and the old ones are not") {
  Registry registry;
  Registration changed = device("a");
  REQUIRE(registry.put(changed, DeviceStep::request));
  changed.dns_names = {"new.example.edu"};
  REQUIRE(registry.put(changed, DeviceStep::edit));
  registry.reopen();
  const auto view = registry.directory->view();
  CHECK(view.device_of_host("new.example.edu"));
  CHECK_FALSE(view.device_of_host("a.example.edu"));
}

TEST_CASE("histories grow at their end and are each device's own") {
  Registry registry;
  for (std::uint64_t at = 1; at <= 300; ++at) REQUIRE(registry.put(device("a"), DeviceStep::edit, at));
  REQUIRE(registry.put(device("a0"), DeviceStep::request, 7));
  REQUIRE(registry.put(device("a"), DeviceStep::edit, 301));
  registry.reopen();
  const auto view = registry.directory->view();
  CHECK(view.device_history("a0", 0, 10) ==
        std::vector<DeviceHistory>{{7, DeviceStep::request, "staff", "why", ""}});
  const auto end = view.device_history("a", 299, 10);
  REQUIRE(end.size() == 2);
  CHECK(end[0].at == 300);
  CHECK(end[1].at == 301);
  CHECK(view.device_history("a", 0, 1000).size() == 301);
}

TEST_CASE("devices are listed in pages, in the order of their names") {
  Registry registry;
  for (const char* name : {"c", "a", "b"}) REQUIRE(registry.put(device(name), DeviceStep::request));
  const auto view = registry.directory->view();
  const auto first = view.devices_after("", 2);
  REQUIRE(first.size() == 2);
  CHECK(first[0].name == "a");
  const auto rest = view.devices_after(first[1].name, 2);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].name == "c");
}
