// mr-metrics: what the system has counted, how full its queue is and who may send, in the text format of
// Prometheus.
//
// SECURITY: asks logd, queued and policyd on their control sockets, which only root can connect to, and tells
// nothing about any person: processes, events and numbers.  It listens nowhere.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <tuple>

#include "daemons/channels/tools_logd.h"
#include "daemons/channels/tools_queued.h"
#include "daemons/config/load.h"
#include "daemons/events.h"
#include "daemons/processes.h"
#include "libcommon/policy/device.h"
#include "libcommon/policy/limits.h"
#include "tools/policyd_pages.h"
#include "tools/tool_options.h"

namespace mailroom {
namespace {

constexpr std::string_view kUsage = "usage: mr-metrics [--config FILE] [--json] [--output FILE] show\n";

using Counts = std::vector<EventsCounted>;
template <typename T>
using Asked = std::expected<T, std::string>;

struct Options : ToolOptions {
  std::string output;  // empty: standard output
};

// Of an enum whose values are counted: by value.
template <typename Enum>
using CountOf = std::array<std::uint64_t, static_cast<std::size_t>(Enum::kLast) + 1>;

// Who may send, and who has sent too much.
struct PolicyCount {
  CountOf<policy::DeviceState> devices{};
  std::uint64_t grants = 0;
  CountOf<policy::LimitScope> windows{};  // that run
  // Those of them whose hard limit is reached.
  std::array<CountOf<policy::LimitUnit>, std::tuple_size_v<CountOf<policy::LimitScope>>> reached{};
};

// What the servers said, or why one did not.
struct Measured {
  Asked<Counts> events;
  Asked<QueueCount> queue;
  Asked<PolicyCount> policy;
};

int fail(std::string_view reason) {
  fmt::print(stderr, "mr-metrics: {}\n", reason);
  return kFailed;
}

std::optional<Options> parse_options(std::span<char*> arguments) {
  Options options;
  const bool good = read_options(arguments, options, [&](std::string_view option, const OptionValue& value) {
    if (option != "--output") return false;
    options.output = value();
    return true;
  });
  if (!good || options.words != std::vector<std::string>{"show"}) return std::nullopt;
  return options;
}

// ---- asking

// As those of processes and events are.
bool is_name(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

// logd reads what everybody writes: what it says may be anything.
bool is_sound(const EventsCounted& counted) {
  return is_name(counted.process) && std::ranges::all_of(counted.events, is_name, &EventCount::event);
}

Asked<Counts> count_events(const std::string& path) {
  auto fd = connect_to_control_socket(path);
  if (!fd) return std::unexpected(fd.error());
  ToolConnection<ToolToLogd, LogdToTool> logd{std::move(*fd)};
  Counts counts;
  while (counts.empty() || !counts.back().last) {
    auto counted =
        expect_answer<EventsCounted>(logd.ask(CountEvents{static_cast<std::uint32_t>(counts.size())}));
    if (!counted) return std::unexpected(path + ": " + counted.error());
    if (!is_sound(*counted) || counts.size() == kProcesses.size())
      return std::unexpected(path + ": an answer that no logd gives");
    counts.push_back(std::move(*counted));
  }
  return counts;
}

Asked<QueueCount> count_queue(const std::string& path) {
  auto fd = connect_to_control_socket(path);
  if (!fd) return std::unexpected(fd.error());
  ToolConnection<ToolToQueued, QueuedToTool> queued{std::move(*fd)};
  auto counted = expect_answer<QueueCount>(queued.ask(CountQueue{}));
  if (!counted) return std::unexpected(path + ": " + counted.error());
  return *counted;
}

void count(PolicyCount& counts, const UseRow& window) {
  const auto scope = static_cast<std::size_t>(window.place.scope);
  const bool at_limit[] = {window.message_limit != 0 && window.messages >= window.message_limit,
                           window.recipient_limit != 0 && window.recipients >= window.recipient_limit};
  ++counts.windows[scope];
  for (std::size_t unit = 0; unit < std::size(at_limit); ++unit)
    counts.reached[scope][unit] += at_limit[unit] ? 1 : 0;
}

// policyd lists for it what it lists for operators, and does nothing more while mail is decided on.
Asked<PolicyCount> count_policy(const std::string& path) {
  auto fd = connect_to_control_socket(path);
  if (!fd) return std::unexpected(fd.error());
  PolicydConnection policyd{std::move(*fd)};
  PolicyCount counts;
  auto visited = visit_devices(policyd, [&](const policy::Registration& device) {
    ++counts.devices[static_cast<std::size_t>(device.state)];
  });
  if (visited) visited = visit_grants(policyd, [&](const GrantRow&) { ++counts.grants; });
  if (visited) visited = visit_limits(policyd, [&](const UseRow& row) { count(counts, row); });
  if (!visited) return std::unexpected(path + ": " + visited.error());
  return counts;
}

// ---- the text format (https://prometheus.io/docs/instrumenting/exposition_formats/): what is_name() is
// harmless in labels

class Exposition {
 public:
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void sample(std::string_view labels, std::uint64_t value) {
    text_ += labels.empty() ? fmt::format("{} {}\n", name_, value)
                            : fmt::format("{}{{{}}} {}\n", name_, labels, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string_view name_;
  std::string text_;
};

std::optional<LogLevel> level_of(std::string_view event) {
  for (const EventRow& row : kEvents)
    if (row.name == event) return row.level;
  return std::nullopt;  // of a server of another version
}

std::uint64_t lines_of_level(const EventsCounted& process, LogLevel level) {
  std::uint64_t lines = 0;
  for (const EventCount& count : process.events)
    if (level_of(count.event) == level) lines += count.lines;
  return lines;
}

void expose(Exposition& text, const Counts& processes) {
  text.begin("mailroom_events_total", "counter", "Lines of the log by event, see mailroom-log(5).");
  for (const EventsCounted& process : processes)
    for (const EventCount& count : process.events)
      text.sample(fmt::format(R"(process="{}",event="{}")", process.process, count.event), count.lines);
  text.begin("mailroom_problems_total", "counter", "Lines of the log that are warnings or errors.");
  for (const EventsCounted& process : processes) {
    text.sample(fmt::format(R"(process="{}",level="error")", process.process),
                lines_of_level(process, LogLevel::error));
    text.sample(fmt::format(R"(process="{}",level="warning")", process.process),
                lines_of_level(process, LogLevel::warning));
  }
  text.begin("mailroom_log_dropped_total", "counter", "Lines lost because the log was not read fast enough.");
  for (const EventsCounted& process : processes)
    text.sample(fmt::format(R"(process="{}")", process.process), process.dropped);
}

void expose(Exposition& text, const QueueCount& queue) {
  text.begin("mailroom_queue_messages", "gauge", "Messages in the queue, those that are held among them.");
  text.sample("", queue.messages);
  text.begin("mailroom_queue_held_messages", "gauge",
             "Messages that wait for an operator: held by one, or because nothing else can be done.");
  text.sample("", queue.held);
  text.begin("mailroom_queue_bytes", "gauge", "What the messages in the queue take on disk.");
  text.sample("", queue.octets);
}

// Each value of an enum and its count.
template <typename Enum, typename Word>
void expose(Exposition& text, std::string_view label, const CountOf<Enum>& counts, Word word) {
  for (std::size_t i = 0; i < counts.size(); ++i)
    text.sample(fmt::format(R"({}="{}")", label, word(static_cast<Enum>(i))), counts[i]);
}

void expose(Exposition& text, const PolicyCount& counts) {
  text.begin("mailroom_devices", "gauge", "Registrations of devices by state.");
  expose<policy::DeviceState>(text, "state", counts.devices, policy::state_word);
  text.begin("mailroom_grants", "gauge", "Grants of POP-before-SMTP that are good.");
  text.sample("", counts.grants);
  text.begin("mailroom_limit_windows", "gauge", "Minutes, hours and days in which somebody has sent.");
  expose<policy::LimitScope>(text, "scope", counts.windows, policy::scope_word);
  text.begin("mailroom_limits_reached", "gauge", "Those of them in which no more is taken.");
  for (std::size_t scope = 0; scope < counts.reached.size(); ++scope) {
    const auto name = policy::scope_word(static_cast<policy::LimitScope>(scope));
    expose<policy::LimitUnit>(text, fmt::format(R"(scope="{}",unit)", name), counts.reached[scope],
                              policy::unit_word);
  }
}

std::string prometheus_text(const Measured& measured) {
  Exposition text;
  text.begin("mailroom_up", "gauge", "Whether the server answered.");
  text.sample(R"(server="logd")", measured.events.has_value());
  text.sample(R"(server="queued")", measured.queue.has_value());
  text.sample(R"(server="policyd")", measured.policy.has_value());
  if (measured.events) expose(text, *measured.events);
  if (measured.queue) expose(text, *measured.queue);
  if (measured.policy) expose(text, *measured.policy);
  return text.take();
}

// ---- JSON

template <typename Enum, typename Word>
nlohmann::ordered_json json_of(const CountOf<Enum>& counts, Word word) {
  auto object = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) object[std::string{word(static_cast<Enum>(i))}] = counts[i];
  return object;
}

nlohmann::ordered_json json_of(const PolicyCount& counts) {
  auto reached = nlohmann::ordered_json::object();
  for (std::size_t scope = 0; scope < counts.reached.size(); ++scope)
    reached[std::string{policy::scope_word(static_cast<policy::LimitScope>(scope))}] =
        json_of<policy::LimitUnit>(counts.reached[scope], policy::unit_word);
  return {{"devices", json_of<policy::DeviceState>(counts.devices, policy::state_word)},
          {"grants", counts.grants},
          {"limit-windows", json_of<policy::LimitScope>(counts.windows, policy::scope_word)},
          {"limits-reached", std::move(reached)}};
}

std::string json_text(const Measured& measured) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (measured.events) {
    auto processes = nlohmann::ordered_json::array();
    for (const EventsCounted& process : *measured.events) {
      auto events = nlohmann::ordered_json::object();
      for (const EventCount& count : process.events) events[count.event] = count.lines;
      processes.push_back(
          {{"process", process.process}, {"events", std::move(events)}, {"dropped", process.dropped}});
    }
    json["processes"] = std::move(processes);
  }
  if (const auto& queue = measured.queue)
    json["queue"] = {{"messages", queue->messages}, {"held", queue->held}, {"octets", queue->octets}};
  if (measured.policy) json["policy"] = json_of(*measured.policy);
  return json.dump(2) + "\n";
}

// ---- output

// A reader of the file sees the old text or the new one, whole.
int write_file(const std::string& path, std::string_view text) {
  const std::string unfinished = path + ".new";
  std::ofstream file{unfinished, std::ios::trunc};
  file << text;
  file.close();
  if (file.fail() || std::rename(unfinished.c_str(), path.c_str()) != 0)
    return fail(path + ": " + std::strerror(errno));
  return kGood;
}

int show(const Config& config, const Options& options) {
  const Measured measured{count_events(config.directories.run + "/logd.sock"),
                          count_queue(config.directories.run + "/queued.sock"),
                          count_policy(config.directories.run + "/policyd.sock")};
  const std::string text = options.json ? json_text(measured) : prometheus_text(measured);
  int result = kGood;
  if (options.output.empty())
    std::cout << text << std::flush;
  else
    result = write_file(options.output, text);
  if (!measured.events) result = fail(measured.events.error());
  if (!measured.queue) result = fail(measured.queue.error());
  if (!measured.policy) result = fail(measured.policy.error());
  return result;
}

int usage() {
  fmt::print(stderr, "{}", kUsage);
  return kWrongUsage;
}

int run(const Options& options) {
  const auto config = config::load(options.config);
  if (!config) {
    for (const auto& error : config.error()) fmt::print(stderr, "{}\n", config::text_of(error));
    return kFailed;
  }
  return show(*config, options);
}

}  // namespace
}  // namespace mailroom

int main(int argc, char** argv) {
  const auto options = mailroom::parse_options({argv + 1, argv + argc});
  return options ? mailroom::run(*options) : mailroom::usage();
}
