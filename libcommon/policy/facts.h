// What the policy decides by.  Plain values, and for each the words in which logs, mr-access and the manual
// name it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::policy {

// What is being asked: the reverse-path alone (MAIL), or one recipient with it (RCPT).
enum class Stage : std::uint8_t { sender, recipient, kLast = recipient };

enum class Listener : std::uint8_t {
  mx,          // anybody may come, with mail for us
  submission,  // our accounts, after login (RFC 6409)
  outgoing,    // campus networks, POP-before-SMTP, login
  relay,       // devices
  kLast = relay,
};

enum class Directory : std::uint8_t { readable, failed, kLast = failed };

enum class Login : std::uint8_t {
  none,         // nobody has proved anything on this connection
  active,       // an account that may use submission
  service_off,  // an account without submission
  disabled,     // an account that is switched off
  kLast = disabled,
};

// POP-before-SMTP: whether somebody has read mail from the client's address within the window.
enum class Grant : std::uint8_t {
  off,  // the site does not use it
  none,
  held,
  behind_nat,  // somebody has, but behind this network's address are many
  kLast = behind_nat,
};

// The client's name, by forward-confirmed reverse DNS (libcommon/policy/reverse_name.h).
enum class ReverseName : std::uint8_t {
  confirmed,   // a PTR name that holds the address
  absent,      // the address has no PTR
  unresolved,  // it has, but that name has no address
  elsewhere,   // it has, but that name holds other addresses
  unknown,     // DNS did not answer, or was not asked
  kLast = unknown,
};

// The device that the client is, by its login or by its confirmed name.
enum class Device : std::uint8_t {
  none,     // not registered
  waiting,  // requested, and not approved
  active,
  suspended,
  removed,
  out_of_place,  // active, and registered for other networks than the client's
  review_due,    // active, its review date has passed, and the site enforces that
  kLast = review_due,
};

enum class Sender : std::uint8_t {
  malformed,
  null,        // <>: reports and, from a mail client, message disposition notifications (RFC 8098 3)
  own,         // one of who speaks: of the account, its details and delegations included; of the device
  personal,    // an address of ours that leads to one person
  functional,  // an address of ours that leads to an office or several people
  relayed,     // at a relay domain; whose, is known elsewhere
  unknown,     // at our domains, and nobody's
  foreign,     // at any other domain
  kLast = foreign,
};

enum class Recipient : std::uint8_t {
  malformed,
  routed,         // user%host, host!user, "user@host" at one of our domains
  foreign,        // any domain or address literal that is not one of ours
  unknown,        // nobody at our domain
  no_postmaster,  // postmaster of our domain, and there is no such account
  local,          // resolves to accounts of ours
  relayed,        // at a relay domain: one of ours that is kept on another host
  no_domain,      // its domain has no form that the DNS knows (RFC 5890)
  kLast = no_domain,
};

enum class Limit : std::uint8_t {
  none,      // below
  messages,  // as many messages as may be
  recipients,
  kLast = recipients,
};

// Texts that a reply may quote; printable ASCII, from configuration and directory alone.
struct Words {
  std::string own_address;  // one that the speaker may use; empty: it has none
  std::string help;         // whom to ask
  std::string until;        // when a limit ends: "14:05 UTC"
};

struct Facts {
  Stage stage = Stage::recipient;
  Listener listener = Listener::mx;
  Directory directory = Directory::readable;
  bool on_campus = false;  // the client's address is in a network of that kind
  bool behind_nat = false;
  bool in_cloud = false;
  Login login = Login::none;
  Grant grant = Grant::off;
  ReverseName reverse_name = ReverseName::unknown;
  Device device = Device::none;
  bool device_logged_in = false;  // the device was identified by its principal, not by its name
  Sender sender = Sender::foreign;
  bool guards_own_domains = false;             // the site refuses our domains as senders from outside
  Recipient recipient = Recipient::malformed;  // not looked at for Stage::sender
  Limit limit = Limit::none;                   // the hard limit that the speaker has reached
  std::uint32_t unknown_recipients = 0;        // refused as unknown on this connection so far
  std::uint32_t recipients = 0;                // accepted in this transaction so far
  std::uint32_t max_recipients = 1'000;        // RFC 5321 4.5.3.1.8 asks for at least 100
  Words words;
};

// One fact in words: "login" "active".
struct FactWord {
  std::string_view name;
  std::string_view value;
  bool usual = false;  // the value of a default-made Facts
};

// All facts that are not counters or texts, in the order above.
std::vector<FactWord> words_of(const Facts& facts);

// "listener=outgoing,campus=yes,...": stage, listener and the facts that are not usual, for one log line.
std::string summary(const Facts& facts);

}  // namespace mailroom::policy
