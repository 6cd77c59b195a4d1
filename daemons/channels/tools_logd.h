// mr-metrics speaks to logd on its control socket (0600, root's): what it has counted, a process at a time.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "daemons/channels/tools_policyd.h"

namespace mailroom {

struct CountEvents {
  std::uint32_t process = 0;  // its number, from 0
  static auto fields(auto& m) { return std::tie(m.process); }
};
using ToolToLogd = std::variant<CountEvents>;

struct EventCount {
  std::string event;
  std::uint64_t lines = 0;  // since logd was started
  static auto fields(auto& m) { return std::tie(m.event, m.lines); }
};
struct EventsCounted {
  std::string process;
  std::vector<EventCount> events;  // those that there were
  std::uint64_t dropped = 0;       // lines that the process could not write
  bool last = false;               // there is no process of the next number
  static auto fields(auto& m) { return std::tie(m.process, m.events, m.dropped, m.last); }
};
using LogdToTool = std::variant<EventsCounted, ToolRefused>;

}  // namespace mailroom
