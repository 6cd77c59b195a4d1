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

#include "libcommon/policy/facts.h"

namespace mailroom::policy {

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
  std::string_view text;  // of the reply; $ADDRESS, $HELP and $UNTIL stand for Facts::words
  std::string_view when;  // the rule in words, for mailroom-policy(7)
};

// The table, in the order in which the rules are tried.
std::span<const Rule> rules();

// Null for a name that no rule has.
const Rule* find_rule(std::string_view name);

}  // namespace mailroom::policy
