#include <catch2/catch.hpp>
#include <set>

#include "libcommon/policy/policy.h"

using namespace mailroom::policy;

namespace {

template <typename E, typename Visit>
void for_each_value(E& fact, Visit visit) {
  for (int i = 0; i <= static_cast<int>(E::kLast); ++i) {
    fact = static_cast<E>(i);
    visit();
  }
}
template <typename Visit>
void for_each_value(bool& fact, Visit visit) {
  for (const bool value : {false, true}) {
    fact = value;
    visit();
  }
}

// Visits every combination of the given facts.
template <typename Visit>
void combine(Visit visit) {
  visit();
}
template <typename Visit, typename First, typename... Rest>
void combine(Visit visit, First& first, Rest&... rest) {
  for_each_value(first, [&] { combine(visit, rest...); });
}

// Calls `visit` with every combination of facts that a rule can tell apart, but for counters: some eleven
// million.
template <typename Visit>
void for_all_facts(Visit visit) {
  Facts f;
  f.max_recipients = 100;
  f.words = {"alice@example.org", "the help desk", "2026-11-22 12:00 UTC"};
  for (const Limit limit : {Limit::none, Limit::messages}) {
    f.limit = limit;
    combine([&] { visit(static_cast<const Facts&>(f)); }, f.stage, f.listener, f.on_campus, f.behind_nat,
            f.in_cloud, f.login, f.grant, f.reverse_name, f.device, f.device_logged_in, f.sender,
            f.guards_own_domains, f.recipient);
  }
}

// Fewer: what does not come together in practice stays at its usual value.  For checks that take their time.
template <typename Visit>
void for_some_facts(Visit visit) {
  Facts f;
  f.max_recipients = 100;
  const auto all = [&] { visit(static_cast<const Facts&>(f)); };
  for (const char* own : {"", "alice@example.org"})
    for (const unsigned unknown : {0U, kMaxUnknownRecipients - 1, kMaxUnknownRecipients, ~0U})
      for (const unsigned recipients : {0U, 99U, 100U}) {
        f.words = {own, "the help desk", "2026-11-22 12:00 UTC"};
        f.unknown_recipients = unknown;
        f.recipients = recipients;
        combine(all, f.stage, f.listener, f.directory, f.login, f.sender, f.recipient, f.limit);
      }
  f = {.listener = Listener::outgoing,
       .words = {"alice@example.org", "the help desk", "2026-11-22 12:00 UTC"}};
  combine(all, f.stage, f.on_campus, f.behind_nat, f.grant, f.sender, f.recipient, f.guards_own_domains);
  f.listener = Listener::relay;
  combine(all, f.behind_nat, f.in_cloud, f.reverse_name, f.device, f.device_logged_in, f.sender, f.recipient);
}

// Who may send anywhere, said once more and differently than the rules say it.
bool may_send_anywhere(const Facts& f) {
  const bool speaks_as_itself = f.sender == Sender::own || f.sender == Sender::null;
  switch (f.listener) {
  case Listener::mx:
    return false;
  case Listener::submission:
    return f.login == Login::active && speaks_as_itself;
  case Listener::outgoing:
    if (f.login != Login::none) return f.login == Login::active && speaks_as_itself;
    if (f.on_campus) return f.sender != Sender::malformed && f.sender != Sender::unknown;
    return f.grant == Grant::held && speaks_as_itself;
  case Listener::relay:
    if (f.device != Device::active || f.sender != Sender::own) return false;
    return f.device_logged_in || (f.reverse_name == ReverseName::confirmed && !f.behind_nat && !f.in_cloud);
  }
  return false;
}

Facts device_at_relay() {
  return {.listener = Listener::relay,
          .reverse_name = ReverseName::confirmed,
          .device = Device::active,
          .sender = Sender::own,
          .recipient = Recipient::foreign,
          .words = {"scanner@example.org", "the help desk", ""}};
}

}  // namespace

TEST_CASE("no stranger relays, on any listener, whatever the facts") {
  std::size_t wrong = 0, accepted = 0;
  for_all_facts([&](const Facts& f) {
    const Verdict verdict = decide(f);
    if (f.stage != Stage::recipient || verdict.action != Action::accept) return;
    ++accepted;
    const bool stays = f.recipient == Recipient::local || f.recipient == Recipient::relayed;
    const bool good = f.limit == Limit::none && f.sender != Sender::malformed &&
                      (stays || (f.recipient == Recipient::foreign && may_send_anywhere(f)));
    if (!good && wrong++ == 0) FAIL_CHECK(verdict.rule << " accepts " << summary(f));
  });
  CHECK(wrong == 0);
  CHECK(accepted > 100'000);
}

TEST_CASE("whoever may send anywhere does, below the limits") {
  std::size_t wrong = 0;
  for_all_facts([&](const Facts& f) {
    if (f.stage != Stage::recipient || f.limit != Limit::none || f.recipient != Recipient::foreign) return;
    if (may_send_anywhere(f) && decide(f).action != Action::accept && wrong++ == 0)
      FAIL_CHECK(decide(f).rule << " refuses " << summary(f));
  });
  CHECK(wrong == 0);
}

TEST_CASE("nothing is accepted while the directory cannot be read") {
  for_some_facts([](const Facts& f) {
    if (f.directory == Directory::failed) CHECK(decide(f).rule == "directory-failed");
  });
}

TEST_CASE("mail for our own accounts is accepted from anybody") {
  Facts f{.listener = Listener::mx, .sender = Sender::foreign, .recipient = Recipient::local};
  CHECK(decide(f).rule == "local-recipient");
  f.recipient = Recipient::relayed;
  CHECK(decide(f).rule == "relay-domain");
  for (const Listener listener : {Listener::mx, Listener::outgoing, Listener::relay}) {
    f.listener = listener;
    CHECK(decide(f).action == Action::accept);
  }
  f.listener = Listener::mx;
  f.sender = Sender::null;
  CHECK(decide(f).action == Action::accept);
}

TEST_CASE("what has no sender is a report, and has one recipient") {
  for (const Listener listener : {Listener::mx, Listener::outgoing}) {
    Facts f{.listener = listener, .sender = Sender::null, .recipient = Recipient::local};
    CHECK(decide(f).rule == "local-recipient");
    f.recipients = 1;
    CHECK(decide(f).rule == "report-to-many");
    CHECK(decide(f).code == 550);
    f.sender = Sender::foreign;
    CHECK(decide(f).rule == "local-recipient");
  }
}

TEST_CASE("a logged-in account sends as itself, and may send receipts with a null sender") {
  for (const Listener listener : {Listener::submission, Listener::outgoing}) {
    Facts f{.listener = listener,
            .login = Login::active,
            .sender = Sender::own,
            .recipient = Recipient::local,
            .words = {"alice@example.org", "", ""}};
    CHECK(decide(f).rule == "account-to-local");
    f.sender = Sender::null;
    CHECK(decide(f).rule == "account-to-local");
    f.recipient = Recipient::foreign;
    CHECK(decide(f).rule == "account-to-anybody");
    f.sender = Sender::foreign;
    const Verdict refused = decide(f);
    CHECK(refused.rule == "sender-not-own");
    CHECK(refused.text.find("<alice@example.org>") != std::string::npos);
    f.stage = Stage::sender;
    CHECK(decide(f).rule == "sender-not-own");
  }
}

TEST_CASE("what a sender from elsewhere is told says how to send all the same") {
  Facts f{.listener = Listener::outgoing,
          .grant = Grant::none,
          .sender = Sender::foreign,
          .recipient = Recipient::foreign};
  CHECK(decide(f).rule == "read-mail-first");
  CHECK(decide(f).text.find("check your mail first, or turn on authentication") != std::string::npos);
  f.grant = Grant::off;
  CHECK(decide(f).rule == "log-in-to-send");
  f.grant = Grant::behind_nat;
  CHECK(decide(f).rule == "grant-behind-nat");
  f.grant = Grant::held;
  CHECK(decide(f).rule == "grant-sender-not-own");
  f.sender = Sender::own;
  CHECK(decide(f).rule == "grant-to-anybody");
  f.on_campus = true;
  CHECK(decide(f).rule == "campus-to-anybody");
  f.sender = Sender::unknown;
  CHECK(decide(f).rule == "sender-nobody");
}

TEST_CASE("our own domains as senders from outside are refused only when the site asks for it") {
  Facts f{.listener = Listener::mx, .sender = Sender::personal, .recipient = Recipient::local};
  CHECK(decide(f).rule == "local-recipient");
  f.guards_own_domains = true;
  CHECK(decide(f).rule == "own-domain-from-outside");
  f.on_campus = true;
  CHECK(decide(f).rule == "local-recipient");
  f.on_campus = false;
  f.listener = Listener::outgoing;
  CHECK(decide(f).rule == "own-domain-from-outside");
  f.sender = Sender::own;
  f.grant = Grant::held;
  CHECK(decide(f).rule == "local-recipient");
}

TEST_CASE("a device is known by its login or its confirmed name, and behind NAT by its login alone") {
  Facts f = device_at_relay();
  CHECK(decide(f).rule == "device-to-anybody");
  f.behind_nat = true;
  CHECK(decide(f).rule == "device-must-log-in");
  f.device_logged_in = true;
  CHECK(decide(f).rule == "device-to-anybody");
  f = device_at_relay();
  f.in_cloud = true;
  CHECK(decide(f).rule == "device-must-log-in");
  f = device_at_relay();
  f.device = Device::none;
  CHECK(decide(f).rule == "device-not-registered");
  f.reverse_name = ReverseName::absent;
  CHECK(decide(f).enhanced == "5.7.25");
  f.reverse_name = ReverseName::elsewhere;
  CHECK(decide(f).rule == "reverse-name-elsewhere");
  f.recipient = Recipient::local;
  CHECK(decide(f).rule == "local-recipient");
}

TEST_CASE("each state of a device has its own refusal, and none of them for mail to us but suspension") {
  for (const auto& [state, rule] :
       {std::pair{Device::none, "device-not-registered"}, std::pair{Device::removed, "device-not-registered"},
        std::pair{Device::waiting, "device-not-active"}, std::pair{Device::suspended, "device-suspended"},
        std::pair{Device::out_of_place, "device-out-of-place"},
        std::pair{Device::review_due, "device-review-due"}}) {
    Facts f = device_at_relay();
    f.device = state;
    CHECK(decide(f).rule == rule);
    f.recipient = Recipient::local;
    CHECK((decide(f).rule == "local-recipient") == (state != Device::suspended));
  }
}

TEST_CASE("a failure of the DNS is temporary, and never taken for a missing name") {
  for_all_facts([](const Facts& f) {
    if (f.reverse_name != ReverseName::unknown) return;
    const Verdict verdict = decide(f);
    if (verdict.enhanced == "5.7.25") FAIL_CHECK(summary(f));
  });
  Facts f = device_at_relay();
  f.reverse_name = ReverseName::unknown;
  CHECK(decide(f).rule == "reverse-name-unknown");
  CHECK(decide(f).code == 450);
}

TEST_CASE("a device sends as its registered addresses, with a sender that can get reports") {
  Facts f = device_at_relay();
  f.sender = Sender::null;
  CHECK(decide(f).rule == "device-null-sender");
  f.sender = Sender::personal;
  CHECK(decide(f).rule == "personal-sender");
  f.sender = Sender::foreign;
  CHECK(decide(f).rule == "device-sender-not-own");
  f.sender = Sender::unknown;
  CHECK(decide(f).rule == "sender-nobody");
  f = device_at_relay();
  f.device = Device::suspended;
  f.recipient = Recipient::local;
  CHECK(decide(f).rule == "device-suspended");
  CHECK(decide(f).text.find("the help desk") != std::string::npos);
}

TEST_CASE("a limit is temporary and says when it ends") {
  Facts f{.listener = Listener::submission,
          .login = Login::active,
          .sender = Sender::own,
          .recipient = Recipient::foreign,
          .limit = Limit::messages,
          .words = {"alice@example.org", "", "2026-11-22 12:00 UTC"}};
  CHECK(decide(f).code == 450);
  CHECK(decide(f).text.find("2026-11-22 12:00 UTC") != std::string::npos);
  f.limit = Limit::recipients;
  CHECK(decide(f).rule == "recipient-limit");
}

TEST_CASE("every verdict is a well-formed reply whose action agrees with its code") {
  std::set<std::string> seen;
  for_some_facts([&](const Facts& f) {
    const Verdict v = decide(f);
    if (!seen.insert(std::string{v.rule} + v.text).second) return;
    const unsigned expected = v.action == Action::accept ? 2 : v.action == Action::defer ? 4 : 5;
    CHECK(v.code / 100 == expected);
    CHECK(v.enhanced.size() >= 5);
    CHECK(v.enhanced.front() == static_cast<char>('0' + expected));
    CHECK_FALSE(v.text.empty());
    CHECK(v.text.size() < 200);
    CHECK(v.text.find('$') == std::string::npos);
    for (const char c : v.text) CHECK((c >= ' ' && c <= '~'));
  });
}

TEST_CASE("each rule decides something, but the last, which is there for rules to come") {
  std::set<std::string_view> seen;
  for_some_facts([&](const Facts& f) { seen.insert(decide(f).rule); });
  for (const Rule& rule : rules()) {
    CAPTURE(rule.name);
    CHECK(find_rule(rule.name) == &rule);
    if (rule.name != "nothing-allows-it") CHECK(seen.contains(rule.name));
  }
  std::size_t last = 0;
  for_all_facts([&](const Facts& f) { last += decide(f).rule == "nothing-allows-it" ? 1 : 0; });
  CHECK(last == 0);
}

TEST_CASE("nobody learns more about addresses after too many unknown ones") {
  for (auto recipient : {Recipient::unknown, Recipient::local, Recipient::foreign}) {
    Facts f{.recipient = recipient, .unknown_recipients = kMaxUnknownRecipients};
    CHECK(decide(f).code == 421);
  }
}

TEST_CASE("the facts of a log line are those that matter") {
  Facts f;
  CHECK(summary(f) == "listener=mx,sender=foreign,recipient=malformed");
  f.on_campus = true;
  f.listener = Listener::outgoing;
  f.grant = Grant::held;
  f.recipient = Recipient::foreign;
  CHECK(summary(f) == "listener=outgoing,campus=yes,grant=held,sender=foreign,recipient=foreign");
}
