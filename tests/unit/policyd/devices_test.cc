// The registry as mr-device sees it, and the mail of its devices.
#include <set>

#include "libcommon/text/day.h"
#include "tests/unit/policyd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;
using policy::DeviceState;
using policy::DeviceStep;
using policy::Registration;

namespace {

constexpr const char* kAddress = "192.0.2.7";
const DeviceReason kReason{"staff", "ticket 1"};

Registration scanner(const std::string& name = "scanner1") {
  Registration device;
  device.name = name;
  device.dns_names = {name + ".example.org"};
  device.principals = {"smtp-relay/" + name + ".example.org"};
  device.from = {"office@elsewhere.net", "scans@example.org"};
  device.contacts = {"alice@example.org"};
  device.purpose = "Copier";
  return device;
}

struct Registry : Policyd {
  explicit Registry(policyd::Times times = {}) : Policyd{times} {
    add("alice");
    add("office");
    ask(ChangeAccount{.name = "office", .functional = true});
    ask(SetAlias{"scans@example.org", {"office"}});
  }
  void step(DeviceStep step, const std::string& name = "scanner1") {
    ask<DeviceShown>(StepDevice{name, step, kReason});
  }
  void activate(const Registration& device = scanner()) {
    ask<DeviceShown>(RequestDevice{device, kReason});
    step(DeviceStep::approve, device.name);
  }
  Registration show(const std::string& name = "scanner1") {
    return ask<DeviceShown>(ShowDevice{name}).device;
  }
  void edit(const Registration& device, const DeviceReason& reason = kReason) {
    ask<DeviceShown>(EditDevice{device, show(device.name), reason});
  }
  std::string refusal(const ToolToPolicyd& request) { return ask<ToolRefused>(request).reason; }
  DeviceHistoryPage history(const std::string& name = "scanner1") {
    return ask<DeviceHistoryPage>(ListDeviceHistory{name, 0});
  }

  SmtpChild connect(const char* peer = kAddress) { return open_smtp(relay, ++last, Service::relay, peer); }
  // A connection that has proved to be that principal.
  SmtpChild log_in(const std::string& principal, const char* peer = kAddress) {
    auto child = connect(peer);
    pump();
    prove_submission(last, principal);
    return child;
  }
  // The verdict on one recipient, where every address has that name.
  mailroom::Verdict verdict(SmtpChild& child, const std::string& from, const std::string& to,
                            const std::string& its_name = "scanner1.example.org",
                            const char* peer = kAddress) {
    child.send(question(++transaction, from, to));
    pump();
    while (const auto asked = dnsd.next_as<LookUp>()) {
      dns::Answer answer{.outcome = dns::Outcome::answer, .ttl = 300};
      if (asked->type == dns::Type::ptr) {
        answer.names = {its_name};
      } else {
        answer.addresses = {address(peer)};
      }
      dnsd.send(LookedUp{asked->question, answer});
      pump();
    }
    while (auto message = queued.next())
      if (const auto* envelope = std::get_if<AuthoriseRecipient>(&*message)) {
        last_envelope = *envelope;
        queued.send(Authorised{envelope->connection, envelope->transaction, 77, {}});
      }
    pump();
    auto verdict = child.next_as<mailroom::Verdict>();
    REQUIRE(verdict);
    return *verdict;
  }
  std::string rule(const std::string& from, const std::string& to, const char* peer = kAddress) {
    auto child = connect(peer);
    return verdict(child, from, to, "scanner1.example.org", peer).rule;
  }

  ConnectionId last = 0;
  TransactionId transaction = 0;
};

}  // namespace

TEST_CASE("each step is in the history, with when, who and why, after a restart too") {
  Registry p;
  p.activate();
  p.step(DeviceStep::suspend);
  p.step(DeviceStep::resume);
  Registration changed = p.show("Scanner1");
  changed.purpose = "Fax";
  p.edit(changed, {"bob", "moved"});
  p.step(DeviceStep::remove);
  p.start();
  const auto page = p.history();
  CHECK(page.last);
  REQUIRE(page.steps.size() == 6);
  CHECK(page.steps[0].step == DeviceStep::request);
  CHECK(page.steps[4].step == DeviceStep::edit);
  CHECK(page.steps[4].who == "bob");
  CHECK(page.steps[4].why == "moved");
  CHECK(page.steps[4].change == "purpose");
  CHECK(page.steps[5].at >= page.steps[0].at);
  CHECK(p.show().state == DeviceState::removed);
}

TEST_CASE("an edit of what has changed meanwhile is refused, and loses nothing") {
  Registry p;
  p.activate();
  const Registration seen = p.show();
  Registration by_anna = seen, by_bob = seen;
  by_anna.purpose = "Fax";
  by_bob.owner = "Library";
  p.ask<DeviceShown>(EditDevice{by_anna, seen, kReason});
  CHECK(p.refusal(EditDevice{by_bob, seen, kReason}).find("changed meanwhile") != std::string::npos);
  p.step(DeviceStep::suspend);
  CHECK(p.refusal(EditDevice{by_bob, by_anna, kReason}).find("changed meanwhile") != std::string::npos);
  by_bob.purpose = "Fax";
  p.edit(by_bob);
  CHECK(p.show().purpose == "Fax");
  CHECK(p.show().owner == "Library");
  CHECK(p.show().state == DeviceState::suspended);
}

TEST_CASE("a step that is not possible is refused, and leaves no trace") {
  Registry p;
  CHECK(p.refusal(StepDevice{"scanner1", DeviceStep::approve, kReason}).find("no device") == 0);
  p.activate();
  CHECK(p.refusal(StepDevice{"scanner1", DeviceStep::approve, kReason}).find("active") != std::string::npos);
  CHECK_FALSE(p.refusal(StepDevice{"scanner1", DeviceStep::suspend, {"staff", ""}}).empty());
  CHECK_FALSE(p.refusal(StepDevice{"scanner1", DeviceStep::suspend, {"", "because"}}).empty());
  CHECK_FALSE(p.refusal(StepDevice{"scanner1", DeviceStep::edit, kReason}).empty());
  CHECK_FALSE(p.refusal(EditDevice{p.show(), p.show(), kReason}).empty());  // nothing is different
  CHECK(p.history().steps.size() == 2);
}

TEST_CASE("a device and an account never have the same name to log in with") {
  Registry p;
  p.add("smtp-relay/copier");
  Registration device = scanner();
  device.principals = {"smtp-relay/copier"};
  CHECK(p.refusal(RequestDevice{device, kReason}).find("name of an account") != std::string::npos);
  p.activate();
  const auto added = p.ask<AccountsAdded>(AddAccounts{{{"smtp-relay/scanner1.example.org", 0, true}}});
  CHECK(added.results[0].account == 0);
}

TEST_CASE("an active device sends to anybody, as itself, by its name or its login") {
  Registry p;
  p.activate();
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-to-anybody");
  REQUIRE(p.last_envelope);
  CHECK(p.last_envelope->submitter == "scanner1");
  CHECK(p.last_envelope->authors == std::vector<std::string>{"office@elsewhere.net", "scans@example.org"});
  CHECK(p.rule("scans+7@example.org", "x@far.test") == "device-to-anybody");
  CHECK(p.rule("other@elsewhere.net", "x@far.test") == "device-sender-not-own");
  CHECK(p.rule("other@elsewhere.net", "alice@example.org") == "device-sender-not-own");
  auto child = p.log_in("smtp-relay/scanner1.example.org", "192.0.2.99");
  CHECK(p.verdict(child, "office@elsewhere.net", "x@far.test", "nothing.example.org").rule ==
        "device-to-anybody");
}

TEST_CASE("while the name that may be a device's is not known, nobody is said to be none") {
  Registry p;
  p.activate();
  auto child = p.connect();
  child.send(question(1, "scans@example.org", "x@far.test"));
  p.pump();
  const auto reverse = p.dnsd.next_as<LookUp>();
  REQUIRE(reverse);
  p.dnsd.send(LookedUp{
      reverse->question,
      {.outcome = dns::Outcome::answer, .ttl = 300, .names = {"other.example.org", "scanner1.example.org"}}});
  p.pump();
  while (const auto asked = p.dnsd.next_as<LookUp>()) {
    dns::Answer answer{
        .outcome = dns::Outcome::answer, .ttl = 300, .addresses = {Policyd::address(kAddress)}};
    p.dnsd.send(LookedUp{asked->question, asked->name == "other.example.org" ? answer : dns::Answer{}});
  }
  p.pump();
  const auto verdict = child.next_as<mailroom::Verdict>();
  REQUIRE(verdict);
  CHECK(verdict->rule == "reverse-name-unknown");
  CHECK(verdict->reply.code == 450);
}

TEST_CASE("each state of a device says what it is") {
  Registry p;
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-not-registered");
  p.ask<DeviceShown>(RequestDevice{scanner(), kReason});
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-not-active");
  p.step(DeviceStep::approve);
  p.step(DeviceStep::suspend);
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-suspended");
  CHECK(p.rule("scans@example.org", "alice@example.org") == "device-suspended");
  p.step(DeviceStep::resume);
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-to-anybody");
  p.step(DeviceStep::remove);
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-not-registered");
}

TEST_CASE("where a name does not count, only the login does") {
  Registry p;
  p.launch.config.networks = {{NetworkKind::nat, *parse_ip_network("192.0.2.0/25")}};
  p.server->reconfigured();
  p.activate();
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-must-log-in");
  auto child = p.log_in("smtp-relay/scanner1.example.org");
  CHECK(p.verdict(child, "scans@example.org", "x@far.test").rule == "device-to-anybody");
  // Nor is a device of that name suspended for whoever is behind the address.
  p.step(DeviceStep::suspend);
  CHECK(p.rule("a@elsewhere.net", "alice@example.org") == "local-recipient");
}

TEST_CASE("what is forgiven a device is told to its connection, once its name is known, and to no other") {
  Registry p;
  Registration device = scanner();
  device.quirks = {.tls_min = policy::TlsVersion::tls1_0, .bare_lf = true};
  p.activate(device);
  const auto told = [&](SmtpChild& child) {
    child.send(AskQuirks{});
    p.pump();
    const auto answer = child.next_as<DeviceQuirks>();
    return answer ? std::optional{answer->quirks} : std::nullopt;
  };
  auto child = p.connect();
  CHECK_FALSE(told(child));
  p.fail_lookups();
  CHECK(child.next_as<DeviceQuirks>()->quirks == policy::Quirks{});
  auto logged_in = p.connect("192.0.2.8");
  p.pump();
  p.fail_lookups();
  p.prove_submission(p.last, "smtp-relay/scanner1.example.org");
  CHECK(told(logged_in) == device.quirks);
  p.step(DeviceStep::suspend);
  CHECK(told(logged_in) == policy::Quirks{});
  auto elsewhere = p.open_smtp(p.mx, ++p.last, Service::mx);
  CHECK(told(elsewhere) == policy::Quirks{});
}

TEST_CASE("a device sends only from its networks, by name or login") {
  Registry p;
  Registration device = scanner();
  device.networks = {*parse_ip_network("192.0.2.0/25")};
  p.activate(device);
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-to-anybody");
  CHECK(p.rule("scans@example.org", "x@far.test", "192.0.2.200") == "device-out-of-place");
  auto child = p.log_in("smtp-relay/scanner1.example.org", "192.0.2.200");
  CHECK(p.verdict(child, "scans@example.org", "x@far.test").rule == "device-out-of-place");
}

TEST_CASE("the address of a person is no sender of a device unless that is allowed") {
  Registry p;
  Registration device = scanner();
  device.from = {"alice@example.org", "nobody@example.org"};
  p.activate(device);
  CHECK(p.rule("alice@example.org", "x@far.test") == "personal-sender");
  CHECK(p.rule("nobody@example.org", "x@far.test") == "sender-nobody");
  CHECK(p.rule("", "x@far.test") == "device-null-sender");
  device.personal_senders = true;
  p.edit(device);
  CHECK(p.rule("alice@example.org", "x@far.test") == "device-to-anybody");
  CHECK(p.rule("nobody@example.org", "x@far.test") == "sender-nobody");
}

TEST_CASE("only while a device is active may it send as a person") {
  Registry p;
  Registration device = scanner();
  device.from = {"alice@example.org"};
  device.personal_senders = true;
  device.networks = {*parse_ip_network("192.0.2.0/25")};
  p.ask<DeviceShown>(RequestDevice{device, kReason});
  CHECK(p.rule("alice@example.org", "office@example.org") == "personal-sender");
  p.step(DeviceStep::approve);
  CHECK(p.rule("alice@example.org", "office@example.org") == "local-recipient");
  CHECK(p.rule("alice@example.org", "office@example.org", "192.0.2.200") == "personal-sender");
}

TEST_CASE("a device's own limit goes before the general one, and a person can release it") {
  Registry p;
  Registration device = scanner();
  device.limits = {{.unit = policy::LimitUnit::messages, .period = policy::LimitPeriod::day, .hard = 2}};
  p.activate(device);
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-to-anybody");
  CHECK(p.rule("scans@example.org", "alice@example.org") == "local-recipient");
  CHECK(p.rule("scans@example.org", "x@far.test") == "message-limit");
  const auto page = p.ask<LimitPage>(ListLimits{});
  REQUIRE(page.uses.size() == 3);
  CHECK(page.uses[2].place.name == "scanner1");
  CHECK(page.uses[2].message_limit == 2);
  p.ask(ReleaseLimit{{policy::LimitScope::device, "scanner1"}});
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-to-anybody");
}

TEST_CASE("what a device has begun when it is suspended does not go out") {
  Registry p;
  p.activate();
  auto child = p.connect();
  CHECK(p.verdict(child, "scans@example.org", "x@far.test").rule == "device-to-anybody");
  p.step(DeviceStep::suspend);
  p.pump();
  const auto withdrawn = p.queued.next_as<WithdrawEnvelope>();
  REQUIRE(withdrawn);
  CHECK(withdrawn->connection == p.last);
}

TEST_CASE("a message has one speaker: who becomes a device after its first recipient begins anew") {
  Registry p;
  p.ask<DeviceShown>(RequestDevice{scanner(), kReason});
  auto child = p.connect();
  CHECK(p.verdict(child, "scans@example.org", "alice@example.org").rule == "local-recipient");
  REQUIRE(p.last_envelope);
  CHECK(p.last_envelope->device == "");
  p.step(DeviceStep::approve);
  p.last_envelope.reset();
  child.send(question(p.transaction, "scans@example.org", "x@far.test"));
  p.pump();
  const auto refused = child.next_as<mailroom::Verdict>();
  REQUIRE(refused);
  CHECK(refused->reply.code == 451);
  const auto withdrawn = p.queued.next_as<WithdrawEnvelope>();
  REQUIRE(withdrawn);
  CHECK(withdrawn->connection == p.last);
  CHECK_FALSE(p.queued.next());
  child.send(question(p.transaction, "scans@example.org", "alice@example.org"));
  p.pump();
  CHECK(child.next_as<mailroom::Verdict>()->reply.code == 451);
  CHECK(p.verdict(child, "scans@example.org", "x@far.test").rule == "device-to-anybody");
  CHECK(p.last_envelope->device == "scanner1");
}

TEST_CASE("a new password, or none, ends what is logged in with the old one") {
  Registry p;
  p.activate();
  auto child = p.log_in("smtp-relay/scanner1.example.org");
  p.authd.send(SecretChanged{"smtp-relay/scanner1.example.org"});
  p.pump();
  CHECK(child.is_closed());
}

TEST_CASE("only devices log in at the relay, and they nowhere else") {
  Registry p;
  p.activate();
  auto person = p.connect();
  p.pump();
  p.authd.send(NameProved{p.last, "alice"});
  p.pump();
  CHECK(p.authd.next_as<NotAdmitted>()->failure == LoginRefusal::service_off);
  auto stranger = p.connect();
  p.pump();
  p.authd.send(NameProved{p.last, "smtp-relay/other"});
  p.pump();
  CHECK(p.authd.next_as<NotAdmitted>()->failure == LoginRefusal::bad_credentials);
  auto elsewhere = p.open_smtp(p.submission, ++p.last, Service::submission);
  p.pump();
  p.authd.send(NameProved{p.last, "smtp-relay/scanner1.example.org"});
  p.pump();
  CHECK(p.authd.next_as<NotAdmitted>()->failure == LoginRefusal::bad_credentials);
}

TEST_CASE("a login ends with the registration of its principal, not with its connection") {
  Registry p;
  p.activate();
  auto child = p.log_in("smtp-relay/scanner1.example.org");
  CHECK(p.verdict(child, "scans@example.org", "x@far.test", "no.example.org").rule == "device-to-anybody");
  p.step(DeviceStep::remove);
  p.pump();
  CHECK(p.verdict(child, "scans@example.org", "x@far.test", "no.example.org").rule ==
        "device-not-registered");
}

TEST_CASE("an explanation of a device's mail names the device and how it is known") {
  Registry p;
  p.activate();
  p.tool.send(ExplainMail{policy::Stage::recipient, Service::relay, Policyd::address(kAddress),
                          "SMTP-Relay/scanner1.example.org", "scans@example.org", "x@far.test"});
  p.pump();
  p.fail_lookups();
  const auto explained = p.tool.next_as<MailExplained>();
  REQUIRE(explained);
  CHECK(explained->rule == "device-to-anybody");
  CHECK(explained->submitter == "scanner1");
  const auto device = std::ranges::find(explained->facts, "device", &ExplainedFact::name);
  REQUIRE(device != explained->facts.end());
  CHECK(device->value == "active");
  CHECK(device->source.find("scanner1") != std::string::npos);
  p.tool.send(ExplainMail{policy::Stage::recipient, Service::relay, Policyd::address(kAddress),
                          "smtp-relay/other", "", ""});
  p.pump();
  p.fail_lookups();
  CHECK(p.tool.next_as<ToolRefused>());
}

TEST_CASE("a review that is due is reported, and enforced only where the site says so") {
  Registry p;
  Registration device = scanner();
  device.review = *parse_day("2020-02-29");
  p.activate(device);
  p.log();
  p.start();
  CHECK(p.logged("device-review-passed device=scanner1 review=2020-02-29"));
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-to-anybody");
  p.launch.config.policyd.device_review_enforced = true;
  p.server->reconfigured();
  CHECK(p.rule("scans@example.org", "x@far.test") == "device-review-due");
  CHECK(p.rule("scans@example.org", "alice@example.org") == "local-recipient");
}

TEST_CASE("an import brings each device into its state, once, and refuses another one of the same name") {
  Registry p;
  Registration waiting = scanner("a"), active = scanner("b"), suspended = scanner("c"),
               removed = scanner("d");
  active.state = DeviceState::active;
  suspended.state = DeviceState::suspended;
  removed.state = DeviceState::removed;
  Registration taken = scanner("e");
  taken.dns_names = {"b.example.org"};
  const ImportDevices request{{waiting, active, suspended, removed, taken}, kReason};
  const auto results = p.ask<DevicesImported>(request).results;
  REQUIRE(results.size() == 5);
  for (int i = 0; i < 3; ++i) CHECK((results[i].problem.empty() && results[i].is_new));
  CHECK(p.logged("device-changed device=c step=suspend state=suspended who=staff why=\"ticket 1\""));
  CHECK_FALSE(results[3].problem.empty());
  CHECK(results[4].problem.find("the device b already") != std::string::npos);
  CHECK(p.ask<DeviceShown>(ShowDevice{"c"}).device.state == DeviceState::suspended);
  CHECK(p.history("c").steps.size() == 3);
  CHECK(p.history("a").steps.size() == 1);

  p.log();
  const auto again = p.ask<DevicesImported>(request).results[1];
  CHECK((again.problem.empty() && !again.is_new));
  CHECK(p.history("b").steps.size() == 2);
  CHECK_FALSE(p.logged("device-changed"));
  active.purpose = "another one";
  CHECK_FALSE(p.ask<DevicesImported>(ImportDevices{{active}, kReason}).results[0].problem.empty());
}

TEST_CASE("whose a principal is") {
  Registry p;
  const auto found = [&](const char* principal) { return p.ask<PrincipalFound>(FindPrincipal{principal}); };
  p.activate();
  p.add("smtp-relay/person");
  CHECK(found("SMTP-relay/Scanner1.example.org").device == "scanner1");
  CHECK_FALSE(found("smtp-relay/scanner1.example.org").account);
  CHECK(found("smtp-relay/person").account);
  CHECK(found("smtp-relay/person").device == "");
  p.step(DeviceStep::remove);
  CHECK(found("smtp-relay/scanner1.example.org").device == "");
}

TEST_CASE("devices come in pages that fit a packet, each once") {
  Registry p;
  std::vector<Registration> batch;
  for (int i = 0; i < 90; ++i) {
    batch.push_back(scanner("s" + std::to_string(1000 + i)));
    batch.back().purpose.assign(policy::kMaxDeviceText, 'x');
    batch.back().owner.assign(policy::kMaxDeviceText, 'y');
    if (batch.size() < 30) continue;
    for (const auto& result :
         p.ask<DevicesImported>(ImportDevices{std::exchange(batch, {}), kReason}).results)
      CHECK(result.problem == "");
  }
  std::vector<std::string> names;
  for (bool last = false; !last;) {
    const auto page = p.ask<DevicePage>(ListDevices{names.empty() ? "" : names.back()});
    REQUIRE_FALSE(page.devices.empty());
    for (const Registration& device : page.devices) names.push_back(device.name);
    last = page.last;
  }
  CHECK(names.size() == 90);
  CHECK(std::ranges::is_sorted(names));
}

TEST_CASE(
    "no device but an active one relays, by any form of address, however it is known (SECURITY.md V17)") {
  enum class Known { by_nothing, by_name, by_principal };
  Registry p;
  const auto relays = [&](Known known, const std::string& from, const std::string& to) {
    p.last_envelope.reset();
    auto child = p.connect();
    p.pump();
    if (known == Known::by_principal) p.authd.send(NameProved{p.last, "smtp-relay/scanner1.example.org"});
    p.pump();
    while (p.authd.next()) {  // whether it is admitted depends on its state
    }
    p.verdict(child, from, to, known == Known::by_nothing ? "else.example.org" : "scanner1.example.org");
    return p.last_envelope.has_value();
  };
  const auto none_relays = [&](const char* state) {
    for (const Known known : {Known::by_nothing, Known::by_name, Known::by_principal})
      for (const std::string from : {"office@elsewhere.net", "scans@example.org", "alice@example.org", ""})
        for (const std::string& form : relay_forms()) {
          CAPTURE(state, static_cast<int>(known), from, form);
          CHECK_FALSE(relays(known, from, form));
        }
  };
  none_relays("not registered");
  p.ask<DeviceShown>(RequestDevice{scanner(), kReason});
  none_relays("requested");
  p.step(DeviceStep::approve);
  // An active one sends as what it is registered with, to the domain that the form says and no other.
  const std::set<std::string> domains{"evil.org", "xn--e1awd7f.org", "[192.0.2.1]", "[127.0.0.1]",
                                      "[ipv6:::1]"};
  std::size_t taken = 0;
  for (const Known known : {Known::by_name, Known::by_principal})
    for (const std::string& form : relay_forms()) {
      CAPTURE(form);
      if (relays(known, "scans@example.org", form)) {
        ++taken;
        CHECK(domains.contains(p.last_envelope->recipient.domain));
        CHECK(p.last_envelope->device == "scanner1");
      }
      for (const std::string from : {"alice@example.org", "else@elsewhere.net", ""})
        CHECK_FALSE(relays(known, from, form));
      CHECK_FALSE(relays(Known::by_nothing, "scans@example.org", form));
    }
  CHECK(taken > 0);
  p.step(DeviceStep::suspend);
  none_relays("suspended");
  p.step(DeviceStep::remove);
  none_relays("removed");
}
