#include "tools/log_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libcommon/policy/policy.h"

namespace mailroom {
namespace {

std::string_view take_word(std::string_view& rest) {
  const std::size_t begin = std::min(rest.find_first_not_of(' '), rest.size());
  rest.remove_prefix(begin);
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

// The value behind "key=": to the next blank, or in quotes with \" and \\ inside.
std::string take_value(std::string_view& rest) {
  if (!rest.starts_with('"')) return std::string{take_word(rest)};
  std::string value;
  std::size_t at = 1;
  for (; at < rest.size() && rest[at] != '"'; ++at) {
    if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
    value += rest[at];
  }
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return value;
}

bool is_time(std::string_view word) { return word.size() > 20 && word.ends_with('Z') && word[10] == 'T'; }

bool names(const LoggedEvent& event, std::string_view id) {
  return !id.empty() && (event.fact("session") == id || event.fact("queue") == id);
}

std::string printable(std::string_view text) {
  std::string clean{text};
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  return clean;
}

}  // namespace

std::string_view LoggedEvent::fact(std::string_view key) const {
  const auto found =
      std::ranges::find(facts, key, [](const auto& each) { return std::string_view{each.first}; });
  return found == facts.end() ? std::string_view{} : std::string_view{found->second};
}

LoggedEvent parse_log_line(std::string_view line) {
  LoggedEvent event;
  std::string_view rest = line;
  std::string_view word = take_word(rest);
  if (is_time(word)) {
    event.time = word;
    word = take_word(rest);
  }
  const std::size_t bracket = word.find('[');
  if (bracket == std::string_view::npos || !word.ends_with(']')) return {};
  event.process = word.substr(0, bracket);
  event.name = take_word(rest);
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return event;
    std::string key{rest.substr(0, equals)};
    rest.remove_prefix(equals + 1);
    event.facts.emplace_back(std::move(key), take_value(rest));
  }
}

LogStory read_story(std::istream& log, std::string_view id) {
  // A message's id is known only at its end: its session's lines are kept until then.
  std::vector<LoggedEvent> events;
  std::string session;
  for (std::string line; std::getline(log, line);) {
    if (line.find("session=") == std::string::npos && line.find(id) == std::string::npos) continue;
    LoggedEvent event = parse_log_line(line);
    if (event.name.empty()) continue;
    if (event.fact("queue") == id && session.empty()) session = event.fact("session");
    events.push_back(std::move(event));
  }
  std::erase_if(events, [&](const LoggedEvent& event) {
    const bool of_another = event.fact("queue") != "" && event.fact("queue") != id && !session.empty();
    return of_another || !(names(event, id) || names(event, session));
  });
  return {std::move(events)};
}

std::string text_of(const LogStory& story) {
  std::string text;
  for (const LoggedEvent& event : story.events) {
    text += fmt::format("{} {} {}\n", printable(event.time), printable(event.process), printable(event.name));
    for (const auto& [key, value] : event.facts)
      if (key != "session") text += fmt::format("    {:<10} {}\n", printable(key), printable(value));
    if (const policy::Rule* rule = policy::find_rule(event.fact("rule")))
      text += fmt::format("    {:<10} {}\n", "", rule->when);
  }
  return text;
}

nlohmann::ordered_json json_of(const LogStory& story) {
  auto all = nlohmann::ordered_json::array();
  for (const LoggedEvent& event : story.events) {
    nlohmann::ordered_json facts = nlohmann::ordered_json::object();
    for (const auto& [key, value] : event.facts) facts[key] = printable(value);
    nlohmann::ordered_json object{
        {"time", event.time}, {"process", event.process}, {"event", event.name}, {"facts", facts}};
    if (const policy::Rule* rule = policy::find_rule(event.fact("rule"))) object["when"] = rule->when;
    all.push_back(std::move(object));
  }
  return all;
}

}  // namespace mailroom
