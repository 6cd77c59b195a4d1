// mr-device: the registry of devices that may send through the relay.
//
// SECURITY: changes nothing itself: it asks policyd and authd on their control sockets, which only root can
// connect to. A password goes to authd in clear over that socket and is hashed there; it is never an
// argument.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
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
#include "libcommon/text/ascii.h"
#include "libcommon/text/day.h"
#include "tools/account_servers.h"
#include "tools/device_fields.h"
#include "tools/password_source.h"
#include "tools/policyd_pages.h"
#include "tools/time_text.h"
#include "tools/tool_options.h"

namespace mailroom {
namespace {

using policy::DeviceStep;
using policy::Registration;
using Json = nlohmann::ordered_json;

constexpr std::string_view kUsage =
    "usage: mr-device [--config FILE] request NAME FIELD... --why TEXT\n"
    "       mr-device [--config FILE] edit NAME FIELD... --why TEXT\n"
    "       mr-device [--config FILE] approve | reject | suspend | resume | remove NAME --why TEXT\n"
    "       mr-device [--config FILE] password NAME PRINCIPAL\n"
    "                 [--password-stdin | --hash HASH | --kerberos PRINCIPAL | --no-password]\n"
    "       mr-device [--config FILE] [--json] list [--state STATE] [--review-before DAY]\n"
    "       mr-device [--config FILE] [--json] show | history NAME\n"
    "       mr-device [--config FILE] import FILE.csv --why TEXT\n"
    "       mr-device [--config FILE] export\n"
    "FIELD is --dns-name NAME, --principal SERVICE/NAME, --network NETWORK, --from ADDRESS, --contact "
    "ADDRESS,\n"
    "--purpose TEXT, --owner TEXT, --can-log-in yes|no, --personal-senders yes|no, --volume NUMBER,\n"
    "--limit UNIT/PERIOD=NUMBER, --quirk WORD, --review DAY; with '' for a value it is taken away.\n"
    "STATE is requested, active, suspended or removed. --who NAME is who does it, the one who called sudo by "
    "default.\n";

struct FieldValue {
  const DeviceField* field;
  std::string value;
};

struct Options : ToolOptions {
  std::string who, why;
  std::optional<policy::DeviceState> state;
  std::optional<std::uint64_t> review_before;
  std::vector<FieldValue> fields;
  PasswordSource password;
  std::string run_directory;  // of the configuration: the control sockets
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
bool set_option(Options& options, std::string_view name, std::string value) {
  if (name == "who") {
    options.who = std::move(value);
  } else if (name == "why") {
    options.why = std::move(value);
  } else if (name == "state") {
    options.state = policy::parse_device_state(value);
    return options.state.has_value();
  } else if (name == "review-before") {
    options.review_before = parse_day(value);
    return options.review_before.has_value();
  } else {
    const DeviceField* field = find_device_field(name);
    if (field == nullptr || name == "name") return false;
    options.fields.push_back({field, std::move(value)});
  }
  return true;
}

bool take_option(Options& options, std::string_view option, const OptionValue& value) {
  return take_password_option(options.password, option, value) ||
         set_option(options, option.substr(2), value());
}

std::optional<Options> parse_options(std::span<char*> arguments) {
  Options options;
  options.who = caller();
  const bool good = read_options(arguments, options, [&](std::string_view option, const OptionValue& value) {
    return take_option(options, option, value);
  });
  return good ? std::optional{std::move(options)} : std::nullopt;
}

// ---- policyd

class Policyd {
 public:
  explicit Policyd(Fd fd) : connection_{std::move(fd)} {}

  template <typename Expected>
  std::expected<Expected, std::string> ask(const ToolToPolicyd& request) {
    return expect_answer<Expected>(connection_.ask(request));
  }

  std::expected<void, std::string> for_all(const std::function<void(const Registration&)>& visit) {
    return visit_devices(connection_, visit);
  }

 private:
  PolicydConnection connection_;
};

// ---- showing

Json json_of(const Registration& device) {
  Json object;
  for (const DeviceField& field : device_fields()) {
    const auto values = field.get(device);
    if (field.many == Many::yes) {
      object[std::string{field.name}] = values;
    } else if (!values.empty()) {
      object[std::string{field.name}] = values.front();
    }
  }
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

// Texts may hold octets that are no UTF-8: those are replaced.
void print_json(const Json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

int print_device(const Registration& device, const Options& options) {
  if (options.json) {
    print_json(json_of(device));
    return kGood;
  }
  for (const DeviceField& field : device_fields())
    for (const std::string& value : field.get(device)) fmt::print("{:<16} {}\n", field.name, value);
  fmt::print("{:<16} {}\n", "created", time_text(device.created));
  return kGood;
}

bool is_wanted(const Registration& device, const Options& options) {
  if (options.state && device.state != *options.state) return false;
  return !options.review_before || (device.review != 0 && device.review < *options.review_before);
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
  if (options.json) print_json(all);
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
      if (options.json) {
        all.push_back(json_of(step));
      } else {
        fmt::print("{} {:<8} {}: {}{}{}\n", time_text(step.at), policy::step_word(step.step), step.who,
                   step.why, step.change.empty() ? "" : " -- ", step.change);
      }
    }
    if (page->last || page->steps.empty()) break;
    from += page->steps.size();
  }
  if (options.json) print_json(all);
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

// Each list that is given replaces the one that was there; an empty value only takes away what was there.
std::optional<std::string> set_fields(Registration& device, const std::vector<FieldValue>& values) {
  for (const FieldValue& each : values) each.field->clear(device);
  for (const FieldValue& each : values) {
    if (each.value.empty()) continue;
    if (auto problem = each.field->set(device, each.value)) return problem;
  }
  return std::nullopt;
}

// A password outlives neither the principal nor the device, and a new one finds none.  The servers are
// reached before policyd changes anything; what fails all the same is said, with how to do it again.
int forget_passwords(AccountServers& servers, const std::string& device,
                     const std::vector<std::string>& principals) {
  int result = kGood;
  for (const std::string& principal : principals)
    if (const auto removed = servers.remove_secret(principal); !removed)
      result = fail(fmt::format("the password of {1} may be there still ({2}): "
                                "mr-device password {0} {1} --no-password",
                                device, principal, removed.error()));
  return result;
}

int request(Policyd& policyd, const Options& options) {
  Registration device;
  device.name = options.words[1];
  if (const auto problem = set_fields(device, options.fields)) return fail(*problem);
  auto servers = AccountServers::connect(options.run_directory);
  if (!servers) return fail(servers.error());
  const auto done = policyd.ask<DeviceShown>(RequestDevice{std::move(device), reason_of(options)});
  return done ? forget_passwords(*servers, done->device.name, done->device.principals) : fail(done.error());
}

// Those that only one of the two has.
std::vector<std::string> changed_principals(const Registration& before, const Registration& after) {
  std::vector<std::string> changed;
  const auto add_missing = [&](const Registration& from, const Registration& in) {
    for (const std::string& principal : from.principals)
      if (std::ranges::find(in.principals, principal) == in.principals.end()) changed.push_back(principal);
  };
  add_missing(before, after);
  add_missing(after, before);
  return changed;
}

int edit(Policyd& policyd, const Options& options) {
  const auto shown = policyd.ask<DeviceShown>(ShowDevice{options.words[1]});
  if (!shown) return fail(shown.error());
  Registration device = shown->device;
  if (const auto problem = set_fields(device, options.fields)) return fail(*problem);
  auto servers = AccountServers::connect(options.run_directory);
  if (!servers) return fail(servers.error());
  const auto done =
      policyd.ask<DeviceShown>(EditDevice{std::move(device), shown->device, reason_of(options)});
  if (!done) return fail(done.error());
  return forget_passwords(*servers, done->device.name, changed_principals(shown->device, done->device));
}

template <DeviceStep Step>
int step(Policyd& policyd, const Options& options) {
  const auto done = policyd.ask<DeviceShown>(StepDevice{options.words[1], Step, reason_of(options)});
  return done ? kGood : fail(done.error());
}

// What the device is known by is free then.
template <DeviceStep Step>
int step_to_removed(Policyd& policyd, const Options& options) {
  auto servers = AccountServers::connect(options.run_directory);
  if (!servers) return fail(servers.error());
  const auto done = policyd.ask<DeviceShown>(StepDevice{options.words[1], Step, reason_of(options)});
  return done ? forget_passwords(*servers, done->device.name, done->device.principals) : fail(done.error());
}

// Only for principals of the device; but what is left of one that nobody has any more can be taken away.
int password(Policyd& policyd, const Options& options) {
  const std::string principal = lower_case(options.words[2]);
  const auto shown = policyd.ask<DeviceShown>(ShowDevice{options.words[1]});
  if (!shown) return fail(shown.error());
  const auto found = policyd.ask<PrincipalFound>(FindPrincipal{principal});
  if (!found) return fail(found.error());
  const bool is_nobodys = found->device.empty() && !found->account;
  const bool may_set = found->device == shown->device.name;
  if (!may_set && !(is_nobodys && options.password.from == PasswordFrom::none))
    return fail(fmt::format("{} is no principal of {}", principal, shown->device.name));
  const auto secret = read_password(options.password);
  if (!secret) return fail(secret.error());
  auto servers = AccountServers::connect(options.run_directory);
  if (!servers) return fail(servers.error());
  const auto set = set_secret(*servers, principal, options.password, *secret);
  return set ? kGood : fail(set.error());
}

// As many of the front as fit one request.
std::vector<Registration> take_batch(std::span<const Registration>& rest) {
  std::vector<Registration> batch;
  for (std::size_t octets = 0; !rest.empty() && batch.size() < kMaxImportedDevices; rest = rest.subspan(1)) {
    octets += ipc::encode(rest.front()).size();
    if (octets > kMaxImportOctets && !batch.empty()) break;
    batch.push_back(rest.front());
  }
  return batch;
}

int take_result(AccountServers& servers, const Registration& device, const DeviceImported& result) {
  if (!result.problem.empty()) return fail(result.name + ": " + result.problem);
  return result.is_new ? forget_passwords(servers, device.name, device.principals) : kGood;
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
  auto servers = AccountServers::connect(options.run_directory);
  if (!servers) return fail(servers.error());
  int result = kGood;
  for (std::span<const Registration> rest{*devices}; !rest.empty();) {
    const std::vector<Registration> batch = take_batch(rest);
    const auto done = policyd.ask<DevicesImported>(ImportDevices{batch, reason_of(options)});
    if (!done) return fail(done.error());
    for (std::size_t i = 0; i < std::min(batch.size(), done->results.size()); ++i)
      if (take_result(*servers, batch[i], done->results[i]) != kGood) result = kFailed;
  }
  return result;
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
    {"password", 3, password},
    {"reject", 2, step_to_removed<DeviceStep::reject>},
    {"remove", 2, step_to_removed<DeviceStep::remove>},
    {"request", 2, request},
    {"resume", 2, step<DeviceStep::resume>},
    {"show", 2, show},
    {"suspend", 2, step<DeviceStep::suspend>},
};

int run(Options options) {
  const auto* verb = std::ranges::find(kVerbs, options.words.front(), &Verb::name);
  if (verb == std::end(kVerbs) || options.words.size() != verb->words) return usage();
  const auto config = config::load(options.config);
  if (!config) {
    for (const auto& error : config.error()) fmt::print(stderr, "{}\n", config::text_of(error));
    return kFailed;
  }
  options.run_directory = config->directories.run;
  auto socket = connect_to_control_socket(options.run_directory + "/policyd.sock");
  if (!socket) return fail(socket.error());
  Policyd policyd{std::move(*socket)};
  return verb->run(policyd, options);
}

}  // namespace
}  // namespace mailroom

int main(int argc, char** argv) {
  auto options = mailroom::parse_options({argv + 1, argv + argc});
  return options ? mailroom::run(std::move(*options)) : mailroom::usage();
}
