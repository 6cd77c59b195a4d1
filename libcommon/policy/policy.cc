#include "libcommon/policy/policy.h"

#include <algorithm>
#include <array>

namespace mailroom::policy {
namespace {

constexpr std::string_view kOwnAddress = "$ADDRESS";

bool at_recipient(const Facts& f) { return f.stage == Stage::recipient; }
bool at_mx(const Facts& f) { return f.listener == Listener::mx; }
bool at_submission(const Facts& f) { return f.listener == Listener::submission; }

// Whether the sender may stand for the logged-in account.
bool speaks_for_account(const Facts& f) {
  return f.login == Login::active && !f.own_address.empty() &&
         (f.sender == Sender::own || f.sender == Sender::null);
}

using enum Action;
using F = Facts;

// clang-format off
constexpr std::array kRules{
    Rule{"directory-failed", [](const F& f) { return f.directory == Directory::failed; },
         defer, 451, "4.3.0", "The directory of addresses cannot be read now; please try again later",
         "The shared state cannot be read."},

    // the sender
    Rule{"sender-malformed", [](const F& f) { return f.sender == Sender::malformed; },
         reject, 553, "5.1.7", "That sender is not an address; it should look like <user@example.org>",
         "The reverse-path is not an address."},
    Rule{"login-first", [](const F& f) { return at_submission(f) && f.login == Login::none; },
         reject, 530, "5.7.0", "Authentication required: turn on authentication for outgoing mail in your mail program",
         "Submission without a login."},
    Rule{"account-disabled", [](const F& f) { return at_submission(f) && f.login == Login::disabled; },
         reject, 525, "5.7.13", "This account is switched off; please ask your postmaster",
         "The account that is logged in has been switched off."},
    Rule{"service-off", [](const F& f) { return at_submission(f) && f.login == Login::service_off; },
         reject, 550, "5.7.1", "This account may not send mail; please ask your postmaster",
         "The account may not use submission."},
    Rule{"no-own-address", [](const F& f) { return at_submission(f) && f.own_address.empty(); },
         reject, 550, "5.7.1", "This account has no address to send from; please ask your postmaster for one",
         "The account has no address, so it has nothing to send as."},
    Rule{"sender-not-own", [](const F& f) { return at_submission(f) && f.sender == Sender::foreign; },
         reject, 550, "5.7.1", "The sender must be an address of the account that you logged in with, such as <$ADDRESS>",
         "The reverse-path is not an address of the account, with or without detail (RFC 6409 section 6.1). "
         "The null reverse-path is taken: mail programs send receipts with it (RFC 8098 section 3)."},
    Rule{"sender-accepted", [](const F& f) { return f.stage == Stage::sender; },
         accept, 250, "2.1.0", "Sender ok",
         "Only the sender was asked about, and nothing speaks against it."},

    // the recipient
    Rule{"too-many-unknown", [](const F& f) { return f.unknown_recipients >= kMaxUnknownRecipients; },
         defer, 421, "4.7.0", "Too many unknown recipients on this connection; good bye",
         "The connection has asked for 20 recipients that are not there."},
    Rule{"too-many-recipients", [](const F& f) { return f.recipients >= f.max_recipients; },
         defer, 452, "4.5.3", "Too many recipients in one transaction; please send the rest in another one",
         "The transaction has smtpd.max-recipients already."},
    Rule{"recipient-malformed", [](const F& f) { return f.recipient == Recipient::malformed; },
         reject, 501, "5.1.3", "That recipient is not an address; it should look like <user@example.org>",
         "The recipient is not an address."},
    Rule{"routing-refused", [](const F& f) { return f.recipient == Recipient::routed; },
         reject, 550, "5.7.1", "Mail is not sent on by way of an address with %, ! or @ in it; please use the real address",
         "A local part at one of our domains asks for routing: user%host, host!user, \"user@host\"."},
    Rule{"no-relay", [](const F& f) { return at_mx(f) && f.recipient == Recipient::foreign; },
         reject, 550, "5.7.1", "Relaying refused: we take mail for our own domains only; to send, log in on port 587 or 465",
         "A stranger wants to send to a domain that is not ours, or to an address literal."},
    Rule{"no-postmaster", [](const F& f) { return f.recipient == Recipient::no_postmaster; },
         defer, 451, "4.3.5", "This system has no account for its postmaster yet; please try again later",
         "Postmaster of one of our domains, and neither that account nor policyd.postmaster is there."},
    Rule{"unknown-recipient", [](const F& f) { return f.recipient == Recipient::unknown; },
         reject, 550, "5.1.1", "Nobody here has that address; please check its spelling",
         "Nobody has that address at one of our domains."},
    Rule{"local-recipient", [](const F& f) { return at_recipient(f) && at_mx(f) && f.recipient == Recipient::local; },
         accept, 250, "2.1.5", "Recipient ok",
         "Mail from anybody to an account of ours."},
    Rule{"account-to-local",
         [](const F& f) {
           return at_recipient(f) && at_submission(f) && speaks_for_account(f) && f.recipient == Recipient::local;
         },
         accept, 250, "2.1.5", "Recipient ok",
         "Mail from an account, as itself, to an account of ours."},
    Rule{"account-to-anybody",
         [](const F& f) {
           return at_recipient(f) && at_submission(f) && speaks_for_account(f) && f.recipient == Recipient::foreign;
         },
         accept, 250, "2.1.5", "Recipient ok",
         "Mail from an account, as itself, to any other domain."},

    Rule{"nothing-allows-it", [](const F&) { return true; },
         reject, 550, "5.7.1", "No rule of this server allows that",
         "What no rule above allows."},
};
// clang-format on

std::string text_of(const Rule& rule, const Facts& facts) {
  std::string text{rule.text};
  const std::size_t place = text.find(kOwnAddress);
  if (place != std::string::npos) text.replace(place, kOwnAddress.size(), facts.own_address);
  return text;
}

}  // namespace

Verdict decide(const Facts& facts) {
  const auto* found = std::ranges::find_if(kRules, [&](const Rule& rule) { return rule.applies(facts); });
  const Rule& rule = found == kRules.end() ? kRules.back() : *found;
  return {rule.action, rule.code, std::string{rule.enhanced}, text_of(rule, facts), rule.name};
}

std::span<const Rule> rules() { return kRules; }

}  // namespace mailroom::policy
