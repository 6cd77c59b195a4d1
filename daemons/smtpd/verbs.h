// The verbs of SMTP: when each is legal, who handles it, and how it is written.  One sorted table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "libcommon/protocol/smtp/command.h"

namespace mailroom {

class SmtpSession;

// Where a session stands.
enum class Phase : std::uint8_t {
  fresh = 1,       // no EHLO or HELO yet
  ready = 2,       // no transaction
  mail = 4,        // MAIL, no accepted recipient
  recipients = 8,  // at least one accepted recipient
  chunks = 16,     // BDAT has begun
};
using Phases = std::uint8_t;

constexpr Phases operator|(Phase a, Phase b) {
  return static_cast<Phases>(static_cast<Phases>(a) | static_cast<Phases>(b));
}
constexpr Phases operator|(Phases a, Phase b) { return static_cast<Phases>(a | static_cast<Phases>(b)); }

struct VerbRow {
  std::string_view name;
  smtp::Verb verb;
  Phases legal;
  void (SmtpSession::*handle)(std::string_view argument);
  std::string_view out_of_turn;  // text of 503 in a phase that is not legal, except before EHLO
};

std::span<const VerbRow> verb_rows();

// Null for Verb::unknown.
const VerbRow* find_verb(smtp::Verb verb);

}  // namespace mailroom
