// What the log says of one session or message: the events in their order, each verdict with its rule in
// words.
#pragma once

#include <istream>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailroom {

struct LoggedEvent {
  std::string time;                                        // as logged; empty where the line has none
  std::string process;                                     // "policyd"
  std::string name;                                        // "recipient-refused"
  std::vector<std::pair<std::string, std::string>> facts;  // unquoted

  // Empty when it is not among the facts.
  std::string_view fact(std::string_view key) const;
};

struct LogStory {
  std::vector<LoggedEvent> events;
};

// One line "TIME PROCESS[PID] EVENT key=value key="quoted value" ..."; an event without a name for another
// line.
LoggedEvent parse_log_line(std::string_view line);

// So many sessions are looked back at from the first line that names a message.
inline constexpr std::size_t kMaxKeptSessions = 50'000;

// Of a session (16 hexadecimal digits): its events, and what became of its messages.  Of a message, by its
// queue id: its events, and those of its session that are about no other message.  The reports on a message
// that is told, and what became of them, are told too.
LogStory read_story(std::istream& log, std::string_view id);

std::string text_of(const LogStory& story);
nlohmann::ordered_json json_of(const LogStory& story);

}  // namespace mailroom
