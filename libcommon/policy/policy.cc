#include "libcommon/policy/policy.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mailroom::policy {
namespace {

using F = Facts;
using enum Action;

// ---- where

bool at_recipient(const F& f) { return f.stage == Stage::recipient; }
bool at_mx(const F& f) { return f.listener == Listener::mx; }
bool at_submission(const F& f) { return f.listener == Listener::submission; }
bool at_outgoing(const F& f) { return f.listener == Listener::outgoing; }
bool at_relay(const F& f) { return f.listener == Listener::relay; }
bool for_people(const F& f) { return at_submission(f) || at_outgoing(f); }  // where accounts log in

// ---- who speaks

bool is_logged_in(const F& f) { return for_people(f) && f.login == Login::active; }
bool is_campus_host(const F& f) { return at_outgoing(f) && f.login == Login::none && f.on_campus; }
bool may_use_grant(const F& f) { return at_outgoing(f) && f.login == Login::none && !f.on_campus; }
bool holds_grant(const F& f) { return may_use_grant(f) && f.grant == Grant::held; }
bool is_outsider(const F& f) { return (at_mx(f) || at_outgoing(f)) && !is_logged_in(f) && !f.on_campus; }
// Of a device behind such an address the name says nothing: many share it, or it belongs to whoever rents it
// today.
bool is_nameless_network(const F& f) { return f.behind_nat || f.in_cloud; }
bool is_known_device(const F& f) {
  return f.device_logged_in || (!is_nameless_network(f) && f.reverse_name == ReverseName::confirmed);
}
bool lacks_login(const F& f) { return at_relay(f) && !f.device_logged_in; }

// ---- what is said

bool is_ours(Sender sender) {
  return sender == Sender::own || sender == Sender::personal || sender == Sender::functional ||
         sender == Sender::relayed || sender == Sender::unknown;
}
bool speaks_for_itself(const F& f) { return f.sender == Sender::own || f.sender == Sender::null; }
bool goes_out(const F& f) { return at_recipient(f) && f.recipient == Recipient::foreign; }
bool stays_here(const F& f) {
  return at_recipient(f) && (f.recipient == Recipient::local || f.recipient == Recipient::relayed);
}

// clang-format off
constexpr std::array kRules{
    Rule{"directory-failed", [](const F& f) { return f.directory == Directory::failed; },
         defer, 451, "4.3.0", "The directory of addresses cannot be read now; please try again later",
         "The shared state cannot be read."},

    // ---- the sender
    Rule{"sender-malformed", [](const F& f) { return f.sender == Sender::malformed; },
         reject, 553, "5.1.7", "That sender is not an address; it should look like <user@example.org>",
         "The reverse-path is not an address."},
    Rule{"login-first", [](const F& f) { return at_submission(f) && f.login == Login::none; },
         reject, 530, "5.7.0", "Authentication required: turn on authentication for outgoing mail in your mail program",
         "Submission without a login."},
    Rule{"account-disabled", [](const F& f) { return for_people(f) && f.login == Login::disabled; },
         reject, 525, "5.7.13", "This account is switched off; please ask $HELP",
         "The account that is logged in has been switched off."},
    Rule{"service-off", [](const F& f) { return for_people(f) && f.login == Login::service_off; },
         reject, 550, "5.7.1", "This account may not send mail; please ask $HELP",
         "The account may not use submission."},
    Rule{"no-own-address", [](const F& f) { return is_logged_in(f) && f.words.own_address.empty(); },
         reject, 550, "5.7.1", "This account has no address to send from; please ask $HELP for one",
         "The account has no address, so it has nothing to send as."},
    Rule{"sender-not-own", [](const F& f) { return is_logged_in(f) && !speaks_for_itself(f); },
         reject, 550, "5.7.1", "The sender must be an address of the account that you logged in with, such as <$ADDRESS>",
         "The reverse-path is not an address of the account: its own or an alias, with or without detail, or one that "
         "mr-account send-as has given it (RFC 6409 section 6.1). "
         "The null reverse-path is taken: mail programs send receipts with it (RFC 8098 section 3)."},
    Rule{"own-domain-from-outside",
         [](const F& f) { return f.guards_own_domains && is_outsider(f) && is_ours(f.sender) &&
                                 !(holds_grant(f) && f.sender == Sender::own); },
         reject, 550, "5.7.1", "Mail of our own addresses is not taken from outside; to send as one of them, turn on "
         "authentication for outgoing mail",
         "The reverse-path is at one of our domains, and the client is neither logged in nor on campus. "
         "Only with policyd.guard-own-domains."},
    Rule{"sender-nobody", [](const F& f) { return (is_campus_host(f) || at_relay(f)) && f.sender == Sender::unknown; },
         reject, 550, "5.1.8", "Nobody here has that sender address, so no report could reach it; please correct it",
         "A campus host or a device gives a reverse-path at one of our domains that nobody has."},
    Rule{"device-suspended", [](const F& f) { return at_relay(f) && f.device == Device::suspended; },
         reject, 550, "5.7.1", "This device is suspended; if reports to its sender address cannot be delivered, correct that "
         "address, and ask $HELP",
         "The device has been suspended: by the system, since reports to its sender could not be delivered, or by staff."},
    Rule{"device-null-sender", [](const F& f) { return at_relay(f) && f.sender == Sender::null; },
         reject, 550, "5.7.1", "Devices must give a sender address that can receive reports",
         "The null reverse-path at the relay: reports come from servers, and those do not send here."},
    Rule{"personal-sender", [](const F& f) { return at_relay(f) && f.sender == Sender::personal; },
         reject, 550, "5.7.1", "Devices may not send as a person; please use the address of an office or a list, or ask $HELP",
         "The reverse-path is an address of ours that leads to one person. "
         "Not for a device that is registered with it and with personal-senders yes, nor with "
         "policyd.relay-personal-senders."},
    Rule{"device-sender-not-own",
         [](const F& f) { return at_relay(f) && f.device == Device::active && f.sender != Sender::own; },
         reject, 550, "5.7.1", "The sender is not an address that this device is registered with, such as <$ADDRESS>",
         "A registered device sends only as its registered addresses."},
    Rule{"sender-accepted", [](const F& f) { return f.stage == Stage::sender; },
         accept, 250, "2.1.0", "Sender ok",
         "Only the sender was asked about, and nothing speaks against it."},

    // ---- the recipient: what it is
    Rule{"too-many-unknown", [](const F& f) { return f.unknown_recipients >= kMaxUnknownRecipients; },
         defer, 421, "4.7.0", "Too many unknown recipients on this connection; good bye",
         "The connection has asked for 20 recipients that are not there."},
    Rule{"report-to-many", [](const F& f) { return f.sender == Sender::null && f.recipients > 0; },
         reject, 550, "5.5.3", "The null sender is for reports, and a report has one recipient",
         "The null reverse-path and a second recipient: reports go to the one who has sent what they are about "
         "(RFC 5321 section 4.5.5), and floods of forged ones to many."},
    Rule{"too-many-recipients", [](const F& f) { return f.recipients >= f.max_recipients; },
         defer, 452, "4.5.3", "Too many recipients in one transaction; please send the rest in another one",
         "The transaction has smtpd.max-recipients already."},
    Rule{"recipient-malformed", [](const F& f) { return f.recipient == Recipient::malformed; },
         reject, 501, "5.1.3", "That recipient is not an address; it should look like <user@example.org>",
         "The recipient is not an address."},
    Rule{"no-such-name", [](const F& f) { return f.recipient == Recipient::no_domain; },
         reject, 553, "5.1.2", "The domain of that recipient is no name of the DNS; please check its spelling",
         "The recipient's domain cannot be written in A-labels (RFC 5890)."},
    Rule{"routing-refused", [](const F& f) { return f.recipient == Recipient::routed; },
         reject, 550, "5.7.1", "Mail is not sent on by way of an address with %, ! or @ in it; please use the real address",
         "A local part at one of our domains asks for routing: user%host, host!user, \"user@host\"."},
    Rule{"no-postmaster", [](const F& f) { return f.recipient == Recipient::no_postmaster; },
         defer, 451, "4.3.5", "This system has no account for its postmaster yet; please try again later",
         "Postmaster of one of our domains, and neither that account nor policyd.postmaster is there."},
    Rule{"unknown-recipient", [](const F& f) { return f.recipient == Recipient::unknown; },
         reject, 550, "5.1.1", "Nobody here has that address; please check its spelling",
         "Nobody has that address at one of our domains."},

    // ---- the recipient: who may not send there
    Rule{"no-relay", [](const F& f) { return at_mx(f) && goes_out(f); },
         reject, 550, "5.7.1", "Relaying refused: we take mail for our own domains only; to send, log in on port 587 or 465",
         "A stranger wants to send to a domain that is not ours, or to an address literal."},
    Rule{"grant-behind-nat", [](const F& f) { return may_use_grant(f) && goes_out(f) && f.grant == Grant::behind_nat; },
         reject, 550, "5.7.1", "Relaying refused: others share your address, so checking mail first does not count there; "
         "turn on authentication for outgoing mail",
         "POP-before-SMTP from a nat network. Not with policyd.pop-before-smtp-nat."},
    Rule{"grant-sender-not-own", [](const F& f) { return holds_grant(f) && goes_out(f) && !speaks_for_itself(f); },
         reject, 550, "5.7.1", "The sender must be an address of the account that checked its mail from here; "
         "use that, or turn on authentication for outgoing mail",
         "POP-before-SMTP lets the account that has read mail send as itself, and nobody else."},
    Rule{"read-mail-first", [](const F& f) { return may_use_grant(f) && goes_out(f) && f.grant == Grant::none; },
         reject, 550, "5.7.1", "Relaying refused: check your mail first, or turn on authentication for outgoing mail",
         "Neither on campus, nor logged in, nor has anybody read mail from that address within "
         "policyd.pop-before-smtp."},
    Rule{"log-in-to-send", [](const F& f) { return may_use_grant(f) && goes_out(f) && f.grant == Grant::off; },
         reject, 550, "5.7.1", "Relaying refused: turn on authentication for outgoing mail in your mail program",
         "Neither on campus nor logged in, and this site does not use POP-before-SMTP."},
    Rule{"device-must-log-in", [](const F& f) { return lacks_login(f) && goes_out(f) && is_nameless_network(f); },
         reject, 550, "5.7.1", "From this network devices must log in, after STARTTLS, with their service principal",
         "The client's address is in a nat or cloud network, where names do not count."},
    Rule{"reverse-name-unknown",
         [](const F& f) { return lacks_login(f) && goes_out(f) && f.reverse_name == ReverseName::unknown; },
         defer, 450, "4.4.3", "The DNS does not tell your name now; please try again later",
         "The DNS failed: nothing is known of the client's name. This is never taken for having none."},
    Rule{"reverse-name-absent",
         [](const F& f) { return lacks_login(f) && goes_out(f) && f.reverse_name == ReverseName::absent; },
         reject, 550, "5.7.25", "Your address has no name in the DNS (no PTR record); only registered devices may send there",
         "The client's address has no PTR record (RFC 7372 section 3.3)."},
    Rule{"reverse-name-unresolved",
         [](const F& f) { return lacks_login(f) && goes_out(f) && f.reverse_name == ReverseName::unresolved; },
         reject, 550, "5.7.25", "The name of your address (PTR record) has no address itself; only registered devices may send there",
         "The client's address has PTR records, and none of the names has an address."},
    Rule{"reverse-name-elsewhere",
         [](const F& f) { return lacks_login(f) && goes_out(f) && f.reverse_name == ReverseName::elsewhere; },
         reject, 550, "5.7.25", "The name of your address (PTR record) leads to another address; only registered devices may send there",
         "The client's address has PTR records, and none of the names leads back to it."},
    Rule{"device-not-active", [](const F& f) { return at_relay(f) && goes_out(f) && f.device == Device::waiting; },
         reject, 550, "5.7.1", "The registration of this device is not approved yet; please ask $HELP",
         "The device is requested, and not yet approved."},
    Rule{"device-out-of-place",
         [](const F& f) { return at_relay(f) && goes_out(f) && f.device == Device::out_of_place; },
         reject, 550, "5.7.1", "This device is registered for other networks than the one it sends from; please ask $HELP",
         "The device is active, and the client's address is in none of the networks that it is registered for."},
    Rule{"device-review-due", [](const F& f) { return at_relay(f) && goes_out(f) && f.device == Device::review_due; },
         reject, 550, "5.7.1", "The registration of this device has to be reviewed; please ask $HELP",
         "The review date of the device has passed. Only with policyd.device-review-enforced."},
    Rule{"device-not-registered",
         [](const F& f) { return at_relay(f) && goes_out(f) && (f.device == Device::none || f.device == Device::removed); },
         reject, 550, "5.7.1", "To addresses elsewhere only registered devices may send; to register this one, please ask $HELP",
         "The client's name is confirmed, and no device of that name is registered."},

    // ---- how much
    Rule{"message-limit", [](const F& f) { return f.limit == Limit::messages; },
         defer, 450, "4.7.28", "Too many messages; more are taken from $UNTIL on",
         "A hard limit of messages is reached (limit)."},
    Rule{"recipient-limit", [](const F& f) { return f.limit == Limit::recipients; },
         defer, 450, "4.7.28", "Too many recipients; more are taken from $UNTIL on",
         "A hard limit of recipients is reached (limit)."},

    // ---- what is taken
    Rule{"account-to-local", [](const F& f) { return is_logged_in(f) && speaks_for_itself(f) && stays_here(f); },
         accept, 250, "2.1.5", "Recipient ok",
         "Mail from an account, as itself, to one of our domains."},
    Rule{"account-to-anybody", [](const F& f) { return is_logged_in(f) && speaks_for_itself(f) && goes_out(f); },
         accept, 250, "2.1.5", "Recipient ok",
         "Mail from an account, as itself, to any other domain."},
    Rule{"local-recipient", [](const F& f) { return !at_submission(f) && f.recipient == Recipient::local && at_recipient(f); },
         accept, 250, "2.1.5", "Recipient ok",
         "Mail from anybody to an account of ours."},
    Rule{"relay-domain", [](const F& f) { return !at_submission(f) && f.recipient == Recipient::relayed && at_recipient(f); },
         accept, 250, "2.1.5", "Recipient ok",
         "Mail from anybody to a domain of ours that is kept on another host (relay-domain)."},
    Rule{"campus-to-anybody", [](const F& f) { return is_campus_host(f) && goes_out(f); },
         accept, 250, "2.1.5", "Recipient ok",
         "Mail from a campus network, without login, to any other domain."},
    Rule{"grant-to-anybody", [](const F& f) { return holds_grant(f) && speaks_for_itself(f) && goes_out(f); },
         accept, 250, "2.1.5", "Recipient ok",
         "Mail from an address where an account has read mail (POP-before-SMTP), as that account, to any other domain."},
    Rule{"device-to-anybody",
         [](const F& f) {
           return at_relay(f) && f.device == Device::active && is_known_device(f) && f.sender == Sender::own && goes_out(f);
         },
         accept, 250, "2.1.5", "Recipient ok",
         "Mail from an active device, as one of its addresses, to any other domain."},

    Rule{"nothing-allows-it", [](const F&) { return true; },
         reject, 550, "5.7.1", "No rule of this server allows that",
         "What no rule above allows."},
};
// clang-format on

void replace(std::string& text, std::string_view placeholder, std::string_view by) {
  const std::size_t place = text.find(placeholder);
  if (place != std::string::npos) text.replace(place, placeholder.size(), by);
}

std::string text_of(const Rule& rule, const Words& words) {
  std::string text{rule.text};
  if (text.find('$') == std::string::npos) return text;
  replace(text, "$ADDRESS", words.own_address);
  replace(text, "$HELP", words.help);
  replace(text, "$UNTIL", words.until);
  return text;
}

}  // namespace

Verdict decide(const Facts& facts) {
  const auto* found = std::ranges::find_if(kRules, [&](const Rule& rule) { return rule.applies(facts); });
  const Rule& rule = found == kRules.end() ? kRules.back() : *found;
  return {rule.action, rule.code, std::string{rule.enhanced}, text_of(rule, facts.words), rule.name};
}

std::span<const Rule> rules() { return kRules; }

const Rule* find_rule(std::string_view name) {
  const auto* found = std::ranges::find(kRules, name, &Rule::name);
  return found == kRules.end() ? nullptr : found;
}

}  // namespace mailroom::policy
