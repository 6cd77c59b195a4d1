// mr-conf: checks and shows a configuration, and writes the parts of the manual that come from the tables.
//
// SECURITY: reads only what it is told to, changes nothing, and needs no privilege but to read the files that
// the configuration names.  `check` reads private keys, and overwrites its memory of them.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "daemons/config/load.h"
#include "daemons/config/tables.h"
#include "tools/certificate_check.h"
#include "tools/manual.h"

namespace mailroom {

namespace {

constexpr std::string_view kDefaultFile = "/etc/mailroom/mailroom.conf";

constexpr std::string_view kUsage = "usage: mr-conf check [FILE]\n"
                                    "       mr-conf show [--json] [FILE]\n"
                                    "       mr-conf doc keys | events | rules | refusals\n";

enum Exit { kGood = 0, kWrongConfiguration = 1, kWrongUsage = 2 };

int usage() {
  fmt::print(stderr, "{}", kUsage);
  return kWrongUsage;
}

// Loads, or says all that is wrong.
std::expected<Config, int> load_or_report(std::span<const std::string_view> arguments) {
  if (arguments.size() > 1) return std::unexpected(usage());
  const std::string file{arguments.empty() ? kDefaultFile : arguments.front()};
  auto config = config::load(file);
  if (config) return std::move(*config);
  for (const auto& error : config.error()) fmt::print(stderr, "{}\n", config::text_of(error));
  return std::unexpected(kWrongConfiguration);
}

int check(std::span<const std::string_view> arguments) {
  const auto config = load_or_report(arguments);
  if (!config) return config.error();
  const auto wrong = wrong_with_certificates(*config);
  for (const std::string& reason : wrong) fmt::print(stderr, "{}\n", reason);
  return wrong.empty() ? kGood : kWrongConfiguration;
}

std::string as_json(const Config& config) {
  nlohmann::ordered_json all;
  for (const auto& key : config::schema().keys()) {
    const auto shown = key.show(config);
    if (key.occurs == config::Occurs::repeatedly)
      all[key.name] = shown;
    else if (!shown.empty())
      all[key.name] = shown.front();
  }
  return all.dump(2) + '\n';
}

int show(std::span<const std::string_view> arguments) {
  const bool json = !arguments.empty() && arguments.front() == "--json";
  if (json) arguments = arguments.subspan(1);
  const auto config = load_or_report(arguments);
  if (!config) return config.error();
  fmt::print("{}", json ? as_json(*config) : config::show(*config));
  return kGood;
}

int doc(std::span<const std::string_view> arguments) {
  if (arguments.size() != 1) return usage();
  if (arguments.front() == "keys")
    fmt::print("{}", manual_of_keys());
  else if (arguments.front() == "events")
    fmt::print("{}", manual_of_events());
  else if (arguments.front() == "rules")
    fmt::print("{}", manual_of_rules());
  else if (arguments.front() == "refusals")
    fmt::print("{}", manual_of_refusals());
  else
    return usage();
  return kGood;
}

int run(std::span<const std::string_view> arguments) {
  if (arguments.empty()) return usage();
  const auto verb = arguments.front();
  if (verb == "check") return check(arguments.subspan(1));
  if (verb == "show") return show(arguments.subspan(1));
  if (verb == "doc") return doc(arguments.subspan(1));
  return usage();
}

}  // namespace

}  // namespace mailroom

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments{argv + 1, argv + argc};
  return mailroom::run(arguments);
}
