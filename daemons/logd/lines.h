// From what comes out of a process's log pipe to lines of the log.  Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "daemons/events.h"

namespace mailroom::logd {

// Puts octets together to lines.  A line longer than the logger ever writes is given out in pieces.
class LineAssembler {
 public:
  // Calls `on_line` for each complete line, without its LF.
  void feed(std::string_view octets, const std::function<void(std::string_view)>& on_line);

  // What is there without an LF, at the end of a process; empty afterwards.
  std::string take_rest();

 private:
  std::string partial_;
};

// A line of the log and what it counts as.
struct LogLine {
  std::string text;           // with LF
  const EventRow* event;      // a row of kEvents
  std::uint64_t dropped = 0;  // lines that the process says it could not write before this one
};

// Time (log::timestamp) and process are logd's knowledge; what the process wrote is checked, and becomes
// "stray-output" when it is not an event (a library's message, or a taken-over process that tries to forge
// lines).
LogLine render(std::string_view process, std::string_view line, std::string_view time);

}  // namespace mailroom::logd
