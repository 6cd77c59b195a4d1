#include "daemons/logd/event_counts.h"

#include <string>

namespace mailroom::logd {

void EventCounts::count(const LogLine& line) {
  ++lines_[static_cast<std::size_t>(line.event - kEvents)];
  dropped_ += line.dropped;
}

std::vector<EventCount> EventCounts::all() const {
  std::vector<EventCount> all;
  for (std::size_t i = 0; i < lines_.size(); ++i)
    if (lines_[i] > 0) all.push_back({std::string{kEvents[i].name}, lines_[i]});
  return all;
}

}  // namespace mailroom::logd
