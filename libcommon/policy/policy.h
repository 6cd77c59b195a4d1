// The policy: who may send what to whom.  A pure function of facts; policyd gathers them and carries the
// verdict out, and nothing else in the system decides this.
//
// The rules are one table, tried from the top; the first that applies decides, and the last one refuses.  So
// mail is accepted only where a row says so, and the name of that row is in the log and in the verdict.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mailroom::policy {

// What is being asked: the reverse-path alone (MAIL), or one recipient with it (RCPT).
enum class Stage : std::uint8_t { sender, recipient };

enum class Listener : std::uint8_t {
  mx,          // anybody may come, with mail for us
  submission,  // our accounts, after login (RFC 6409)
};

enum class Login : std::uint8_t {
  none,         // nobody has proved anything on this connection
  active,       // an account that may use submission
  service_off,  // an account without submission
  disabled,     // an account that is switched off
};

enum class Sender : std::uint8_t {
  malformed,
  null,     // <>: reports and, from a mail client, message disposition notifications (RFC 8098 3)
  own,      // an address of the logged-in account, detail included
  foreign,  // any other address; of ours or not
};

enum class Recipient : std::uint8_t {
  malformed,
  routed,         // user%host, host!user, "user@host" at one of our domains
  foreign,        // any domain or address literal that is not one of ours
  unknown,        // nobody at our domain
  no_postmaster,  // postmaster of our domain, and there is no such account
  local,          // resolves to accounts of ours
};

enum class Directory : std::uint8_t { readable, failed };

struct Facts {
  Stage stage = Stage::recipient;
  Listener listener = Listener::mx;
  Directory directory = Directory::readable;
  Login login = Login::none;
  Sender sender = Sender::foreign;
  Recipient recipient = Recipient::malformed;  // not looked at for Stage::sender
  std::uint32_t unknown_recipients = 0;        // refused as unknown on this connection so far
  std::uint32_t recipients = 0;                // accepted in this transaction so far
  std::uint32_t max_recipients = 1'000;        // RFC 5321 4.5.3.1.8 asks for at least 100
  std::string own_address;  // one of the logged-in account's, for the text; empty: it has none
};

enum class Action : std::uint8_t { accept, reject, defer };

struct Verdict {
  Action action = Action::reject;
  std::uint16_t code = 0;  // RFC 5321 4.2
  std::string enhanced;    // RFC 3463
  std::string text;        // printable ASCII; never holds what a client sent
  std::string_view rule;   // name of the row
};

// Unknown recipients that one connection may try before it is sent away (SECURITY.md V13).
inline constexpr std::uint32_t kMaxUnknownRecipients = 20;

[[nodiscard]] Verdict decide(const Facts& facts);

// One row of the table.
struct Rule {
  std::string_view name;  // lower case words with hyphens
  bool (*applies)(const Facts&);
  Action action;
  std::uint16_t code;
  std::string_view enhanced;
  std::string_view text;  // of the reply; $ADDRESS stands for Facts::own_address
  std::string_view when;  // the rule in words, for policyd(8)
};

// The table, in the order in which the rules are tried.
std::span<const Rule> rules();

}  // namespace mailroom::policy
