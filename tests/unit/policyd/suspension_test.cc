// SuspensionDesk: which refused reports suspend a device, once, and who hears of it.
#include "daemons/policyd/suspension_desk.h"

#include <catch2/catch.hpp>

#include "tests/unit/daemon_host.h"

using namespace mailroom;
using namespace mailroom::policyd;
using policy::DeviceState;
using policy::RefusedAt;
using Sent = SuspensionDesk::Sent;

namespace {

class Desk : public test::DaemonHost {
 public:
  Desk() {
    launch.config.policyd.help_desk = "the help desk";
    launch.config.policyd.device_suspension = DeviceSuspension::on;
    launch.config.policyd.device_refused_reports = 2;
    launch.config.policyd.device_report_window = std::chrono::hours{24};
    start();
    step(std::nullopt, policy::DeviceStep::request);
    step(std::nullopt, policy::DeviceStep::approve);
  }

  // As after the process was started afresh.
  void start() {
    desk.reset();
    devices.reset();
    directory.reset();
    directory.emplace(state::Directory::open(".", 64 << 20));
    devices.emplace(
        loop, *directory, [this](const std::string& device) { changed.push_back(device); },
        [this] { return now; });
    site.emplace(launch.config);
    desk.emplace(
        loop, *directory, launch.config, *devices, [this]() -> const Site& { return *site; },
        [this](const std::string& to, std::string message, std::function<void(Sent)> then) {
          sent.emplace_back(to, std::move(message));
          held ? answers.push_back(std::move(then)) : then(outcome);
        },
        [this] { return now; });
  }

  void step(std::optional<policy::Registration> changes, policy::DeviceStep step) {
    policy::Registration device{.name = "scanner1",
                                .dns_names = {"scanner1.example.org"},
                                .from = {"scans@far.test", "copies@example.org"},
                                .contacts = {"anna@example.org", "ben@far.test"},
                                .purpose = "scanner in room 5"};
    if (changes) device = *changes;
    const DeviceReason reason{"root", "test"};
    const PolicydToTool answer =
        step == policy::DeviceStep::request ? devices->handle(RequestDevice{device, reason})
        : step == policy::DeviceStep::edit  ? devices->handle(EditDevice{device, this->device(), reason})
                                            : devices->handle(StepDevice{device.name, step, reason});
    REQUIRE(std::holds_alternative<DeviceShown>(answer));
    log();
    changed.clear();
  }
  policy::Registration device() { return *directory->view().device("scanner1"); }
  DeviceState state() { return device().state; }
  std::vector<policy::DeviceHistory> history() {
    return directory->view().device_history("scanner1", 0, 100);
  }

  bool refuse(QueueId id, Reply reply = {550, "5.1.1", "No such user"}, RefusedAt at = RefusedAt::recipient,
              const std::string& address = "scans@far.test", const std::string& name = "scanner1") {
    return desk->refused(
        {.question = 1, .device = name, .address = address, .at = at, .reply = reply, .queue_id = id});
  }

  std::uint64_t now = 1'000'000'000;
  std::optional<state::Directory> directory;
  std::optional<Site> site;
  std::optional<DeviceDesk> devices;
  std::optional<SuspensionDesk> desk;
  std::vector<std::string> changed;
  std::vector<std::pair<std::string, std::string>> sent;
  Sent outcome = Sent::yes;
  bool held = false;  // answers wait
  std::vector<std::function<void(Sent)>> answers;
};

bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("the report that is one too many suspends the device, and its contacts hear of it") {
  Desk d;
  CHECK(d.refuse(7));
  CHECK(d.state() == DeviceState::active);
  CHECK(has(d.log(), "device-report-refused device=scanner1"));
  CHECK(d.sent.empty());
  CHECK(d.refuse(8));
  CHECK(d.state() == DeviceState::suspended);
  CHECK(d.changed == std::vector<std::string>{"scanner1"});
  const std::string log = d.log();
  CHECK(has(log, "device-changed device=scanner1 step=suspend state=suspended who=policyd"));
  CHECK(has(log, "device-suspended device=scanner1"));
  const auto last = d.history().back();
  CHECK(last.step == policy::DeviceStep::suspend);
  CHECK(last.who == "policyd");
  CHECK(last.why == "a report to scans@far.test was refused: 550 5.1.1 No such user");
  REQUIRE(d.sent.size() == 2);
  CHECK(d.sent[0].first == "anna@example.org");
  CHECK(d.sent[1].first == "ben@far.test");
  CHECK(has(d.sent[0].second, "the help desk"));
  CHECK(has(d.sent[0].second, "550 5.1.1 No such user"));
  CHECK(d.sent[0].second.starts_with("From: postmaster@example.org\r\n"));
  CHECK(d.directory->view().device_reports("scanner1").untold.empty());
}

TEST_CASE("a report counts once, also after a restart") {
  Desk d;
  CHECK(d.refuse(7));
  CHECK(d.refuse(7));
  d.start();
  CHECK(d.refuse(7));
  CHECK(d.state() == DeviceState::active);
  d.start();
  CHECK(d.refuse(8));
  CHECK(d.state() == DeviceState::suspended);
  const auto steps = d.history().size();
  d.start();
  CHECK(d.refuse(8));
  CHECK(d.history().size() == steps);
}

TEST_CASE("resume undoes it in one step: what counted then counts no more") {
  Desk d;
  d.refuse(7);
  d.refuse(8);
  d.step(std::nullopt, policy::DeviceStep::resume);
  CHECK(d.state() == DeviceState::active);
  d.refuse(8);  // told again
  d.refuse(9);
  CHECK(d.state() == DeviceState::active);
  d.refuse(10);
  CHECK(d.state() == DeviceState::suspended);
}

TEST_CASE("what counted counts no more once somebody has looked at the device") {
  Desk d;
  d.refuse(7);
  policy::Registration device = d.device();
  SECTION("the step is about something else") {
    device.purpose = "copier";
    d.step(device, policy::DeviceStep::edit);
    d.refuse(8);
    CHECK(d.state() == DeviceState::suspended);
    return;
  }
  SECTION("other sender addresses") {
    device.from = {"scans@far.test"};
    d.step(device, policy::DeviceStep::edit);
    d.refuse(7);  // told again
  }
  SECTION("suspended and resumed by hand") {
    d.step(std::nullopt, policy::DeviceStep::suspend);
    d.step(std::nullopt, policy::DeviceStep::resume);
    d.refuse(7);
  }
  SECTION("removed, and requested anew") {
    d.step(std::nullopt, policy::DeviceStep::remove);
    CHECK(d.directory->view().device_reports("scanner1") == state::DeviceReports{});
    d.step(std::nullopt, policy::DeviceStep::request);
    d.step(std::nullopt, policy::DeviceStep::approve);
  }
  d.refuse(9);
  CHECK(d.state() == DeviceState::active);
  d.refuse(10);
  CHECK(d.state() == DeviceState::suspended);
}

TEST_CASE("only what says that the address is bad counts") {
  Desk d;
  d.launch.config.policyd.device_refused_reports = 1;
  SECTION("a full mailbox") { d.refuse(7, {552, "5.2.2", "full"}); }
  SECTION("a policy") { d.refuse(7, {550, "5.7.1", "blocked"}); }
  SECTION("the greeting") { d.refuse(7, {550, "5.1.1", "no"}, RefusedAt::session); }
  SECTION("the content") { d.refuse(7, {550, "", "spam"}, RefusedAt::content); }
  SECTION("another address than the device's now") {
    d.refuse(7, {550, "5.1.1", "no"}, RefusedAt::recipient, "else@far.test");
  }
  SECTION("a device that is not there") {
    CHECK(d.refuse(7, {550, "5.1.1", "no"}, RefusedAt::recipient, "scans@far.test", "scanner2"));
  }
  CHECK(d.state() == DeviceState::active);
  CHECK_FALSE(has(d.log(), "suspended"));
  CHECK(d.directory->view().device_reports("scanner1") == state::DeviceReports{});
  d.refuse(8, {550, "5.1.1", "Nobody here has that address"}, RefusedAt::here, "copies@example.org");
  CHECK(d.state() == DeviceState::suspended);
}

TEST_CASE("what was refused before the window does not count") {
  Desk d;
  d.refuse(7);
  d.now += 24 * 3600;
  d.refuse(8);
  CHECK(d.state() == DeviceState::active);
  d.now += 24 * 3600 - 1;
  d.refuse(9);
  CHECK(d.state() == DeviceState::suspended);
}

TEST_CASE("a dry run says what would be, and begins to count anew; off does not count") {
  Desk d;
  d.launch.config.policyd.device_suspension = DeviceSuspension::dry_run;
  for (QueueId id = 1; id <= 4; ++id) {
    d.refuse(id);
    CHECK(has(d.log(), "device-would-be-suspended device=scanner1") == (id % 2 == 0));
  }
  CHECK(d.state() == DeviceState::active);
  CHECK(d.sent.empty());
  d.launch.config.policyd.device_suspension = DeviceSuspension::off;
  for (QueueId id = 5; id <= 8; ++id) CHECK(d.refuse(id));
  CHECK(d.log().empty());
  d.launch.config.policyd.device_suspension = DeviceSuspension::on;
  d.refuse(9);
  CHECK(d.state() == DeviceState::active);
  d.refuse(10);
  CHECK(d.state() == DeviceState::suspended);
}

TEST_CASE("contacts whom no message could be sent to are tried again, also after a restart") {
  Desk d;
  d.launch.config.policyd.device_refused_reports = 1;
  d.outcome = Sent::not_now;
  d.refuse(7);
  CHECK(d.sent.size() == 2);
  d.start();
  d.sent.clear();
  d.desk->tell_contacts();
  REQUIRE(d.sent.size() == 2);
  CHECK(has(d.sent[0].second, "550 5.1.1 No such user"));
  d.sent.clear();
  d.outcome = Sent::yes;
  d.desk->tell_contacts();
  CHECK(d.sent.size() == 2);
  d.sent.clear();
  d.desk->tell_contacts();
  CHECK(d.sent.empty());
}

TEST_CASE("a contact that nobody is is given up, the other one is told") {
  Desk d;
  d.launch.config.policyd.device_refused_reports = 1;
  d.held = true;
  d.refuse(7);
  d.desk->tell_contacts();
  REQUIRE(d.answers.size() == 2);  // nobody is told twice while the answer is not there
  d.answers[0](Sent::nobody);
  d.answers[1](Sent::not_now);
  CHECK(d.directory->view().device_reports("scanner1").untold == std::vector<std::string>{"ben@far.test"});
  CHECK(has(d.log(), "device-contact-told device=scanner1 recipient=anna@example.org sent=no"));
}

TEST_CASE("nobody hears of a suspension that is over") {
  Desk d;
  d.launch.config.policyd.device_refused_reports = 1;
  d.outcome = Sent::not_now;
  d.refuse(7);
  d.step(std::nullopt, policy::DeviceStep::resume);
  d.sent.clear();
  d.desk->tell_contacts();
  CHECK(d.sent.empty());
  CHECK(d.directory->view().device_reports("scanner1").untold.empty());
}
