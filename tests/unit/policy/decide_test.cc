#include <catch2/catch.hpp>
#include <set>

#include "libcommon/policy/policy.h"

using namespace mailroom::policy;

namespace {

// Calls `visit` with every combination of facts that a rule can tell apart.
template <typename Visit>
void for_all_facts(Visit visit) {
  for (auto stage : {Stage::sender, Stage::recipient})
    for (auto listener : {Listener::mx, Listener::submission})
      for (auto directory : {Directory::readable, Directory::failed})
        for (auto login : {Login::none, Login::active, Login::service_off, Login::disabled})
          for (auto sender : {Sender::malformed, Sender::null, Sender::own, Sender::foreign})
            for (auto recipient : {Recipient::malformed, Recipient::routed, Recipient::foreign,
                                   Recipient::unknown, Recipient::no_postmaster, Recipient::local})
              for (auto unknown : {0U, kMaxUnknownRecipients - 1, kMaxUnknownRecipients, ~0U})
                for (auto recipients : {0U, 99U, 100U})
                  for (const char* own : {"", "alice@example.org"})
                    visit(Facts{stage, listener, directory, login, sender, recipient, unknown, recipients,
                                100, own});
}

}  // namespace

TEST_CASE("no stranger relays, whatever the facts") {
  for_all_facts([](const Facts& f) {
    const Verdict verdict = decide(f);
    if (f.stage != Stage::recipient || verdict.action != Action::accept) return;
    CHECK((f.recipient == Recipient::local || f.recipient == Recipient::foreign));
    CHECK(f.directory == Directory::readable);
    CHECK(f.sender != Sender::malformed);
    if (f.recipient == Recipient::foreign) CHECK(f.listener == Listener::submission);
    if (f.listener == Listener::mx) return;
    CHECK(f.login == Login::active);
    CHECK(f.sender != Sender::foreign);
    CHECK_FALSE(f.own_address.empty());
  });
}

TEST_CASE("mail for our own accounts is accepted from anybody") {
  Facts f{.listener = Listener::mx, .sender = Sender::foreign, .recipient = Recipient::local};
  CHECK(decide(f).rule == "local-recipient");
  f.sender = Sender::null;
  CHECK(decide(f).action == Action::accept);
}

TEST_CASE(
    "a logged-in account sends as itself to local recipients, and may send receipts with a null sender") {
  Facts f{.listener = Listener::submission,
          .login = Login::active,
          .sender = Sender::own,
          .recipient = Recipient::local,
          .own_address = "alice@example.org"};
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

TEST_CASE("every verdict is a well-formed reply whose action agrees with its code") {
  for_all_facts([](const Facts& f) {
    const Verdict v = decide(f);
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
  for_all_facts([&](const Facts& f) { seen.insert(decide(f).rule); });
  for (const Rule& rule : rules())
    if (rule.name != "nothing-allows-it") CHECK(seen.contains(rule.name));
  CHECK_FALSE(seen.contains("nothing-allows-it"));
}

TEST_CASE("nobody learns more about addresses after too many unknown ones") {
  for (auto recipient : {Recipient::unknown, Recipient::local, Recipient::foreign}) {
    Facts f{.recipient = recipient, .unknown_recipients = kMaxUnknownRecipients};
    CHECK(decide(f).code == 421);
  }
}
