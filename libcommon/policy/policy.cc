#include "libcommon/policy/policy.h"

#include <array>

namespace mailroom::policy {
namespace {

// Stands in a text for an address of the account.
constexpr std::string_view kOwnAddress = "$ADDRESS";

struct Rule {
  std::string_view name;
  bool (*applies)(const Facts&);
  Action action;
  std::uint16_t code;
  std::string_view enhanced;
  std::string_view text;
};

bool at_recipient(const Facts& f) { return f.stage == Stage::recipient; }
bool at_submission(const Facts& f) { return f.listener == Listener::submission; }

// May this connection's sender stand for the logged-in account?
bool speaks_for_account(const Facts& f) {
  return f.login == Login::active && !f.own_address.empty() &&
         (f.sender == Sender::own || f.sender == Sender::null);
}

constexpr std::array kRules{
    Rule{"directory-failed", [](const Facts& f) { return f.directory == Directory::failed; }, Action::defer,
         451, "4.3.0", "The directory of addresses cannot be read now; please try again later"},
    Rule{"sender-malformed", [](const Facts& f) { return f.sender == Sender::malformed; }, Action::reject,
         553, "5.1.7", "That sender is not an address; it should look like <user@example.org>"},
    Rule{"login-first", [](const Facts& f) { return at_submission(f) && f.login == Login::none; },
         Action::reject, 530, "5.7.0",
         "Authentication required: turn on authentication for outgoing mail in your mail program"},
    Rule{"account-disabled", [](const Facts& f) { return at_submission(f) && f.login == Login::disabled; },
         Action::reject, 525, "5.7.13", "This account is switched off; please ask your postmaster"},
    Rule{"service-off", [](const Facts& f) { return at_submission(f) && f.login == Login::service_off; },
         Action::reject, 550, "5.7.1", "This account may not send mail; please ask your postmaster"},
    Rule{"no-own-address", [](const Facts& f) { return at_submission(f) && f.own_address.empty(); },
         Action::reject, 550, "5.7.1",
         "This account has no address to send from; please ask your postmaster for one"},
    // RFC 6409 6.1 names this code.
    Rule{"sender-not-own", [](const Facts& f) { return at_submission(f) && f.sender == Sender::foreign; },
         Action::reject, 550, "5.7.1",
         "The sender must be an address of the account that you logged in with, such as <$ADDRESS>"},
    Rule{"sender-accepted", [](const Facts& f) { return f.stage == Stage::sender; }, Action::accept, 250,
         "2.1.0", "Sender ok"},

    Rule{"too-many-unknown", [](const Facts& f) { return f.unknown_recipients >= kMaxUnknownRecipients; },
         Action::defer, 421, "4.7.0", "Too many unknown recipients on this connection; good bye"},
    Rule{"too-many-recipients", [](const Facts& f) { return f.recipients >= f.max_recipients; },
         Action::defer, 452, "4.5.3",
         "Too many recipients in one transaction; please send the rest in another one"},
    Rule{"recipient-malformed", [](const Facts& f) { return f.recipient == Recipient::malformed; },
         Action::reject, 501, "5.1.3",
         "That recipient is not an address; it should look like <user@example.org>"},
    Rule{"routing-refused", [](const Facts& f) { return f.recipient == Recipient::routed; }, Action::reject,
         550, "5.7.1",
         "Mail is not sent on by way of an address with %, ! or @ in it; please use the real address"},
    Rule{"no-relay",
         [](const Facts& f) { return f.listener == Listener::mx && f.recipient == Recipient::foreign; },
         Action::reject, 550, "5.7.1",
         "Relaying refused: we take mail for our own domains only; to send, log in on port 587 or 465"},
    Rule{"no-way-out", [](const Facts& f) { return f.recipient == Recipient::foreign; }, Action::reject, 550,
         "5.7.1", "This server takes mail for its own domains only, and has no way to send it on"},
    Rule{"no-postmaster", [](const Facts& f) { return f.recipient == Recipient::no_postmaster; },
         Action::defer, 451, "4.3.5",
         "This system has no account for its postmaster yet; please try again later"},
    Rule{"unknown-recipient", [](const Facts& f) { return f.recipient == Recipient::unknown; },
         Action::reject, 550, "5.1.1", "Nobody here has that address; please check its spelling"},
    Rule{"local-recipient",
         [](const Facts& f) {
           return at_recipient(f) && f.listener == Listener::mx && f.recipient == Recipient::local;
         },
         Action::accept, 250, "2.1.5", "Recipient ok"},
    Rule{"account-to-local",
         [](const Facts& f) {
           return at_recipient(f) && at_submission(f) && speaks_for_account(f) &&
                  f.recipient == Recipient::local;
         },
         Action::accept, 250, "2.1.5", "Recipient ok"},

    Rule{"nothing-allows-it", [](const Facts&) { return true; }, Action::reject, 550, "5.7.1",
         "No rule of this server allows that"},
};

constexpr auto kRuleNames = [] {
  std::array<RuleName, kRules.size()> names{};
  for (std::size_t i = 0; i < kRules.size(); ++i) names[i] = {kRules[i].name, kRules[i].action};
  return names;
}();

std::string text_of(const Rule& rule, const Facts& facts) {
  std::string text{rule.text};
  const std::size_t place = text.find(kOwnAddress);
  if (place != std::string::npos) text.replace(place, kOwnAddress.size(), facts.own_address);
  return text;
}

}  // namespace

Verdict decide(const Facts& facts) {
  for (const Rule& rule : kRules)
    if (rule.applies(facts))
      return {rule.action, rule.code, std::string{rule.enhanced}, text_of(rule, facts), rule.name};
  return {Action::reject, 550, "5.7.1", "No rule of this server allows that", "nothing-allows-it"};
}

std::span<const RuleName> rule_names() { return kRuleNames; }

}  // namespace mailroom::policy
