#include "tools/log_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "libcommon/policy/policy.h"
#include "tools/printable.h"

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

// Whether the line may be about a session or a message; most lines are not looked at further.
bool names_any(std::string_view line) {
  return line.contains("session=") || line.contains("queue=") || line.contains("about=");
}

// Picks out the events of one session or message.  Of which session a message is, is known only when its id
// comes: until then the events of all sessions are kept, as far as there is room.
class Teller {
 public:
  explicit Teller(std::string_view id) : id_{id} {}

  void hear(LoggedEvent event) {
    const std::string session{event.fact("session")}, queue{event.fact("queue")};
    if (session == id_ || (queue == id_ && session_.empty())) meet(session);
    const std::string about{event.fact("about")};
    const bool is_report = about == id_ || is_told(about);
    if (session == id_ || queue == id_ || is_report) messages_.insert(queue);
    if (is_told(queue) || is_report) return told_.push_back(std::move(event));
    if (!session.empty() && session == session_ && queue.empty()) return told_.push_back(std::move(event));
    if (session_.empty()) keep(session, std::move(event));
  }
  std::vector<LoggedEvent> take() { return std::move(told_); }

 private:
  bool is_told(const std::string& queue) const { return !queue.empty() && messages_.contains(queue); }

  // The session is this one: what was kept of it belongs to the story.
  void meet(const std::string& session) {
    if (session.empty()) return;
    session_ = session;
    for (LoggedEvent& event : kept_[session])
      if (event.fact("queue").empty()) told_.push_back(std::move(event));
    kept_.clear();
  }
  void keep(const std::string& session, LoggedEvent event) {
    if (session.empty()) return;
    auto& events = kept_[session];
    if (events.empty()) order_.push_back(session);
    events.push_back(std::move(event));
    if (order_.size() <= kMaxKeptSessions) return;
    kept_.erase(order_.front());
    order_.pop_front();
  }

  const std::string id_;
  std::string session_;             // the one that is told; empty: not known yet
  std::set<std::string> messages_;  // queue ids that are told
  std::vector<LoggedEvent> told_;
  std::unordered_map<std::string, std::vector<LoggedEvent>> kept_;
  std::deque<std::string> order_;  // of kept_, the oldest first
};

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
  if (id.empty()) return {};
  Teller teller{id};
  for (std::string line; std::getline(log, line);) {
    if (!names_any(line)) continue;
    LoggedEvent event = parse_log_line(line);
    if (!event.name.empty()) teller.hear(std::move(event));
  }
  return {teller.take()};
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
