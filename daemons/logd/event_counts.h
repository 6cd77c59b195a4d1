// How many lines of each event one process has written.  Pure.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "daemons/channels/tools_logd.h"
#include "daemons/events.h"
#include "daemons/logd/lines.h"

namespace mailroom::logd {

class EventCounts {
 public:
  void count(const LogLine& line);

  // Those that there were, in the order of daemons/events.h.
  std::vector<EventCount> all() const;
  std::uint64_t dropped() const { return dropped_; }

 private:
  std::array<std::uint64_t, std::size(kEvents)> lines_{};
  std::uint64_t dropped_ = 0;
};

}  // namespace mailroom::logd
