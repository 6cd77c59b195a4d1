// What came of one target of a message in one attempt.
#pragma once

#include <cstdint>
#include <vector>

#include "daemons/channels/types.h"
#include "spool/queue/envelope.h"

namespace mailroom::queued {

enum class Fate : std::uint8_t {
  delivered,    // in a mailbox, or taken by an LMTP server
  handed_over,  // taken by a host that reports from now on
  relayed,      // taken by a host that does not report
  deferred,     // to be tried again
  refused,      // for good
};
constexpr bool is_final(Fate fate) { return fate != Fate::deferred && fate != Fate::refused; }

struct TargetResult {
  Fate fate = Fate::deferred;
  queue::TargetAnswer answer;
  auto operator<=>(const TargetResult&) const = default;
};
using TargetResults = std::vector<TargetResult>;

}  // namespace mailroom::queued
