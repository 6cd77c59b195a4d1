#include <catch2/catch.hpp>

#include "libcommon/policy/device.h"

using namespace mailroom::policy;

namespace {

using State = DeviceState;
using Step = DeviceStep;

Registration scanner() {
  Registration device;
  device.name = "scanner1";
  device.dns_names = {"Scanner1.Example.EDU"};
  device.principals = {"smtp-relay/scanner1.example.edu"};
  device.from = {"Scans@example.edu"};
  device.contacts = {"alice@example.edu", "bob@example.edu"};
  device.purpose = "Copier of the library";
  return device;
}

std::string problem_of(Registration device) {
  const auto canonical = canonical_registration(std::move(device));
  return canonical ? "" : canonical.error();
}

}  // namespace

TEST_CASE("the life of a device") {
  CHECK(after_step(std::nullopt, Step::request) == State::requested);
  CHECK(after_step(State::requested, Step::approve) == State::active);
  CHECK(after_step(State::requested, Step::reject) == State::removed);
  CHECK(after_step(State::active, Step::suspend) == State::suspended);
  CHECK(after_step(State::suspended, Step::resume) == State::active);
  for (const State state : {State::requested, State::active, State::suspended})
    CHECK(after_step(state, Step::remove) == State::removed);
  CHECK(after_step(State::removed, Step::request) == State::requested);
}

TEST_CASE("no other step is possible, and the refusal says where the device is") {
  for (const Step step : {Step::approve, Step::reject, Step::edit, Step::suspend, Step::resume, Step::remove})
    CHECK_FALSE(after_step(std::nullopt, step));
  constexpr std::pair<State, Step> kImpossible[] = {
      {State::active, Step::approve},    {State::suspended, Step::approve}, {State::removed, Step::approve},
      {State::requested, Step::suspend}, {State::suspended, Step::suspend}, {State::requested, Step::resume},
      {State::active, Step::resume},     {State::removed, Step::resume},    {State::active, Step::reject},
      {State::removed, Step::remove},    {State::removed, Step::edit},      {State::requested, Step::request},
      {State::active, Step::request},    {State::suspended, Step::request},
  };
  for (const auto& [state, step] : kImpossible) {
    const auto after = after_step(state, step);
    REQUIRE_FALSE(after);
    CHECK(after.error().find(state_word(state)) != std::string::npos);
  }
}

TEST_CASE("the steps to a state lead there") {
  for (const State wanted : {State::requested, State::active, State::suspended}) {
    std::optional<State> state;
    for (const Step step : steps_to(wanted)) state = after_step(state, step).value();
    CHECK(state == wanted);
  }
  CHECK(steps_to(State::removed).empty());
}

TEST_CASE("a review has passed when its day is over") {
  Registration device = scanner();
  CHECK_FALSE(review_has_passed(device, 2'000'000'000));
  device.review = 86'400 * 10;
  CHECK_FALSE(review_has_passed(device, 86'400 * 11 - 1));
  CHECK(review_has_passed(device, 86'400 * 11));
  CHECK_FALSE(review_has_passed(device, 0));
}

TEST_CASE("a registration has one form") {
  const auto device = canonical_registration(scanner());
  REQUIRE(device);
  CHECK(device->dns_names == std::vector<std::string>{"scanner1.example.edu"});
  CHECK(device->from == std::vector<std::string>{"scans@example.edu"});
  Registration underscored = scanner();
  underscored.dns_names = {"Scanner_1.example.edu"};
  CHECK(canonical_registration(underscored)->dns_names == std::vector<std::string>{"scanner_1.example.edu"});
  Registration twice = scanner();
  twice.dns_names.push_back("scanner1.example.edu");
  CHECK(canonical_registration(twice)->dns_names.size() == 1);
}

TEST_CASE("what a registration must have") {
  CHECK(problem_of(scanner()).empty());
  Registration device = scanner();
  device.dns_names.clear();
  CHECK(problem_of(device).empty());
  device.no_authentication = true;
  CHECK_FALSE(problem_of(device).empty());
  device.principals.clear();
  CHECK_FALSE(problem_of(device).empty());
  for (const auto change : std::initializer_list<void (*)(Registration&)>{
           [](Registration& d) { d.name = "a@b"; },
           [](Registration& d) { d.name = "../x"; },
           [](Registration& d) { d.name.clear(); },
           [](Registration& d) { d.name.assign(kMaxDeviceName + 1, 'x'); },
           [](Registration& d) { d.dns_names = {"no dots here"}; },
           [](Registration& d) { d.dns_names = {"scanner"}; },
           [](Registration& d) { d.dns_names = {"-a.example.edu"}; },
           [](Registration& d) { d.dns_names = {"192.0.2.1"}; },
           [](Registration& d) { d.principals = {"scanner1"}; },
           [](Registration& d) { d.from.clear(); },
           [](Registration& d) { d.from = {"*"}; },
           [](Registration& d) { d.from = {"@example.edu"}; },
           [](Registration& d) { d.from = {"nobody"}; },
           [](Registration& d) { d.contacts.clear(); },
           [](Registration& d) {
             d.contacts = {"a@b.org", "c@b.org", "d@b.org"};
           },
           [](Registration& d) { d.quirks.detect_tls = true; },
           [](Registration& d) {
             d.dns_names.clear();
             d.quirks.tls_min = TlsVersion::tls1_0;
           },
           [](Registration& d) {
             d.dns_names.clear();
             d.quirks.old_ciphers = true;
           },
           [](Registration& d) {
             d.dns_names.clear();
             d.quirks.any_helo = true;
           },
           [](Registration& d) { d.contacts = {"alice"}; },
           [](Registration& d) { d.purpose.clear(); },
           [](Registration& d) { d.purpose = "line\nline"; },
           [](Registration& d) { d.owner.assign(kMaxDeviceText + 1, 'x'); },
           [](Registration& d) { d.from.assign(kMaxDeviceEntries + 1, "a@b.org"); }}) {
    Registration wrong = scanner();
    change(wrong);
    CAPTURE(wrong.name, wrong.purpose.size());
    CHECK_FALSE(problem_of(wrong).empty());
  }
}

TEST_CASE("the history names the fields that were changed") {
  Registration after = scanner();
  CHECK(changed_fields(scanner(), after).empty());
  after.purpose = "Copier of the chapel";
  after.contacts.pop_back();
  CHECK(changed_fields(scanner(), after) == "contacts, purpose");
}
