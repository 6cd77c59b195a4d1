// mr-device: the registry of devices that may send through the relay.
//
// SECURITY: changes nothing itself: it asks policyd and authd on their control sockets, which only root can
// connect to. A password goes to authd in clear over that socket and is hashed there; it is never an argument.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <expected>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/channels/tools_policyd.h"
#include "daemons/config/load.h"
#include "libcommon/text/day.h"
#include "tools/account_servers.h"
#include "tools/device_fields.h"
#include "tools/password_source.h"
#include "tools/tool_connection.h"

namespace mailroom {
namespace {

using policy::DeviceStep;
using policy::Registration;
using Json = nlohmann::ordered_json;

constexpr std::string_view kDefaultFile = "/etc/mailroom/mailroom.conf";

constexpr std::string_view kUsage =
    "usage: mr-device [--config FILE] request NAME FIELD... --why TEXT\n"
    "       mr-device [--config FILE] edit NAME FIELD... --why TEXT\n"
    "       mr-device [--config FILE] approve | reject | suspend | resume | remove NAME --why TEXT\n"
    "       mr-device [--config FILE] password PRINCIPAL [--password-stdin | --hash HASH | --kerberos PRINCIPAL "
    "|\n"
    "                                                     --no-password]\n"
    "       mr-device [--config FILE] [--json] list [--state STATE] [--review-before DAY]\n"
    "       mr-device [--config FILE] [--json] show | history NAME\n"
    "       mr-device [--config FILE] import FILE.csv --why TEXT\n"
    "       mr-device [--config FILE] export\n"
    "FIELD is --dns-name NAME, --principal SERVICE/NAME, --network NETWORK, --from ADDRESS, --contact "
    "ADDRESS,\n"
    "--purpose TEXT, --owner TEXT, --can-log-in yes|no, --personal-senders yes|no, --volume NUMBER,\n"
    "--limit UNIT/PERIOD=NUMBER, --quirk WORD, --review DAY.\n"
    "STATE is requested, active, suspended or removed. --who NAME is who does it, the one who called sudo by "
    "default.\n";

enum Exit { kGood = 0, kFailed = 1, kWrongUsage = 2 };

struct FieldValue {
  const DeviceField* field;
  std::string value;
};

struct Options {
  std::string config{kDefaultFile};
  bool json = false;
  std::string who, why;
  std::optional<policy::DeviceState> state;
  std::uint64_t review_before = 0;
  std::vector<FieldValue> fields;
  std::vector<std::string> words;  // the verb and its arguments
};

int usage() {
  fmt::print(stderr, "{}", kUsage);
  return kWrongUsage;
}

int fail(std::string_view reason) {
  fmt::print(stderr, "mr-device: {}\n", reason);
  return kFailed;
}

std::string caller() {
  if (const char* name = std::getenv("SUDO_USER")) return name;
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::getuid());
}

// ---- options

// The option's value decides nothing here but for days and states.
bool set_option(Options& options, std::string_view name, std::string_view value) {
  if (name == "config") {
    options.config = value;
  } else if (name == "who") {
    options.who = value;
  } else if (name == "why") {
    options.why = value;
  } else if (name == "state") {
    options.state = policy::parse_device_state(value);
    return options.state.has_value();
  } else if (name == "review-before") {
    const auto day = parse_day(value);
    options.review_before = day.value_or(0);
    return day.has_value();
  } else {
    const DeviceField* field = find_device_field(name);
    if (field == nullptr || name == "name") return false;
    options.fields.push_back({field, std::string{value}});
  }
  return true;
}

std::optional<Options> parse_options(std::span<char*> arguments) {
  Options options;
  options.who = caller();
  for (; !arguments.empty(); arguments = arguments.subspan(1)) {
    const std::string_view word = arguments.front();
    if (!word.starts_with("--")) {
      options.words.emplace_back(word);
    } else if (word == "--json") {
      options.json = true;
    } else {
      if (arguments.size() < 2 || !set_option(options, word.substr(2), arguments[1])) return std::nullopt;
      arguments = arguments.subspan(1);
    }
  }
  if (options.words.empty()) return std::nullopt;
  return options;
}

// ---- policyd

class Policyd {
 public:
  explicit Policyd(Fd fd) : connection_{std::move(fd)} {}

  // The answer, if it is of the expected kind.
  template <typename Expected>
  std::expected<Expected, std::string> ask(const ToolToPolicyd& request) {
    auto answer = connection_.ask(request);
    if (!answer) return std::unexpected(answer.error());
    if (auto* refused = std::get_if<ToolRefused>(&*answer))
      return std::unexpected(std::move(refused->reason));
    if (auto* expected = std::get_if<Expected>(&*answer)) return std::move(*expected);
    return std::unexpected("an answer to another question: policyd is of another version");
  }

  std::expected<void, std::string> for_all(const std::function<void(const Registration&)>& visit) {
    std::string after;
    for (;;) {
      const auto page = ask<DevicePage>(ListDevices{after});
      if (!page) return std::unexpected(page.error());
      for (const Registration& device : page->devices) visit(device);
      if (page->last || page->devices.empty()) return {};
      after = page->devices.back().name;
    }
  }

 private:
  ToolConnection<ToolToPolicyd, PolicydToTool> connection_;
};

// ---- showing

std::string time_text(std::uint64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Json json_of(const Registration& device) {
  Json object;
  for (const DeviceField& field : device_fields()) {
    const auto values = field.get(device);
    if (field.is_list)
      object[std::string{field.name}] = values;
    else if (!values.empty())
      object[std::string{field.name}] = values.front();
  }
  object["state"] = policy::state_word(device.state);
  object["created"] = time_text(device.created);
  return object;
}

Json json_of(const policy::DeviceHistory& step) {
  return {{"at", time_text(step.at)},
          {"step", policy::step_word(step.step)},
          {"who", step.who},
          {"why", step.why},
          {"change", step.change}};
}

int print_device(const Registration& device, const Options& options) {
  if (options.json) {
    fmt::print("{}\n", json_of(device).dump(2));
    return kGood;
  }
  for (const DeviceField& field : device_fields())
    for (const std::string& value : field.get(device)) fmt::print("{:<12} {}\n", field.name, value);
  fmt::print("{:<12} {}\n{:<12} {}\n", "state", policy::state_word(device.state), "created",
             time_text(device.created));
  return kGood;
}

bool is_wanted(const Registration& device, const Options& options) {
  if (options.state && device.state != *options.state) return false;
  return options.review_before == 0 || (device.review != 0 && device.review < options.review_before);
}

int list(Policyd& policyd, const Options& options) {
  Json all = Json::array();
  const auto listed = policyd.for_all([&](const Registration& device) {
    if (!is_wanted(device, options)) return;
    if (options.json) {
      all.push_back(json_of(device));
    } else {
      const auto& known_by = device.dns_names.empty() ? device.principals : device.dns_names;
      fmt::print("{:<24} {:<10} {:<10} {}\n", device.name, policy::state_word(device.state),
                 device.review == 0 ? "-" : day_text(device.review),
                 known_by.empty() ? "" : known_by.front());
    }
  });
  if (!listed) return fail(listed.error());
  if (options.json) fmt::print("{}\n", all.dump(2));
  return kGood;
}

int show(Policyd& policyd, const Options& options) {
  const auto shown = policyd.ask<DeviceShown>(ShowDevice{options.words[1]});
  return shown ? print_device(shown->device, options) : fail(shown.error());
}

int history(Policyd& policyd, const Options& options) {
  Json all = Json::array();
  for (std::uint64_t from = 0;;) {
    const auto page = policyd.ask<DeviceHistoryPage>(ListDeviceHistory{options.words[1], from});
    if (!page) return fail(page.error());
    for (const policy::DeviceHistory& step : page->steps) {
      if (options.json)
        all.push_back(json_of(step));
      else
        fmt::print("{} {:<8} {}: {}{}{}\n", time_text(step.at), policy::step_word(step.step), step.who,
                   step.why, step.change.empty() ? "" : " -- ", step.change);
    }
    if (page->last || page->steps.empty()) break;
    from += page->steps.size();
  }
  if (options.json) fmt::print("{}\n", all.dump(2));
  return kGood;
}

int export_all(Policyd& policyd, const Options&) {
  fmt::print("{}\n", device_csv_header());
  const auto listed = policyd.for_all([](const Registration& device) {
    if (device.state != policy::DeviceState::removed) fmt::print("{}\n", device_csv_line(device));
  });
  return listed ? kGood : fail(listed.error());
}

// ---- changing

DeviceReason reason_of(const Options& options) { return {options.who, options.why}; }

// Each list that is given replaces the one that was there.
std::optional<std::string> set_fields(Registration& device, const std::vector<FieldValue>& values) {
  for (const FieldValue& each : values) each.field->clear(device);
  for (const FieldValue& each : values)
    if (auto problem = each.field->set(device, each.value)) return problem;
  return std::nullopt;
}

int request(Policyd& policyd, const Options& options) {
  Registration device;
  device.name = options.words[1];
  if (const auto problem = set_fields(device, options.fields)) return fail(*problem);
  const auto done = policyd.ask<DeviceShown>(RequestDevice{std::move(device), reason_of(options)});
  return done ? kGood : fail(done.error());
}

int edit(Policyd& policyd, const Options& options) {
  auto shown = policyd.ask<DeviceShown>(ShowDevice{options.words[1]});
  if (!shown) return fail(shown.error());
  if (const auto problem = set_fields(shown->device, options.fields)) return fail(*problem);
  const auto done = policyd.ask<DeviceShown>(EditDevice{std::move(shown->device), reason_of(options)});
  return done ? kGood : fail(done.error());
}

template <DeviceStep Step>
int step(Policyd& policyd, const Options& options) {
  const auto done = policyd.ask<DeviceShown>(StepDevice{options.words[1], Step, reason_of(options)});
  return done ? kGood : fail(done.error());
}

int import(Policyd& policyd, const Options& options) {
  const std::string& name = options.words[1];
  std::ifstream file{name == "-" ? "/dev/stdin" : name};
  if (!file) return fail(name + ": cannot be read");
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const auto devices = parse_device_csv(text);
  if (!devices) {
    for (const std::string& problem : devices.error()) fail(name + ":" + problem);
    return kFailed;
  }
  std::size_t problems = 0;
  for (std::span<const Registration> rest{*devices}; !rest.empty();) {
    const auto batch = rest.first(std::min(rest.size(), kMaxImportedDevices));
    const auto done =
        policyd.ask<DevicesImported>(ImportDevices{{batch.begin(), batch.end()}, reason_of(options)});
    if (!done) return fail(done.error());
    for (const DeviceImported& result : done->results) {
      if (result.problem.empty()) continue;
      ++problems;
      fail(result.name + ": " + result.problem);
    }
    rest = rest.subspan(batch.size());
  }
  return problems == 0 ? kGood : kFailed;
}

// ---- verbs

struct Verb {
  std::string_view name;
  std::size_t words;  // with the verb itself
  int (*run)(Policyd&, const Options&);
};

constexpr Verb kVerbs[] = {
    {"approve", 2, step<DeviceStep::approve>},
    {"edit", 2, edit},
    {"export", 1, export_all},
    {"history", 2, history},
    {"import", 2, import},
    {"list", 1, list},
    {"reject", 2, step<DeviceStep::reject>},
    {"remove", 2, step<DeviceStep::remove>},
    {"request", 2, request},
    {"resume", 2, step<DeviceStep::resume>},
    {"show", 2, show},
    {"suspend", 2, step<DeviceStep::suspend>},
};

int run(const Options& options) {
  const auto* verb = std::ranges::find(kVerbs, options.words.front(), &Verb::name);
  if (verb == std::end(kVerbs) || options.words.size() != verb->words) return usage();
  const auto config = config::load(options.config);
  if (!config) {
    for (const auto& error : config.error()) fmt::print(stderr, "{}\n", config::text_of(error));
    return kFailed;
  }
  auto socket = connect_to_control_socket(config->directories.run + "/policyd.sock");
  if (!socket) return fail(socket.error());
  Policyd policyd{std::move(*socket)};
  return verb->run(policyd, options);
}

}  // namespace
}  // namespace mailroom

int main(int argc, char** argv) {
  const auto options = mailroom::parse_options({argv + 1, argv + argc});
  return options ? mailroom::run(*options) : mailroom::usage();
}
