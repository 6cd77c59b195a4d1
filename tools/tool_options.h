// What the tools have in common on their command lines, and their exit statuses.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom {

inline constexpr std::string_view kDefaultConfiguration = "/etc/mailroom/mailroom.conf";

enum Exit { kGood = 0, kFailed = 1, kWrongUsage = 2 };

struct ToolOptions {
  std::string config{kDefaultConfiguration};  // --config FILE
  bool json = false;                          // --json
  std::vector<std::string> words;             // what is no option: the verb and its arguments
};

// Takes the value of an option, the next argument, when it has one.
using OptionValue = std::function<std::string()>;
// False for what is no option of the tool.
using TakeOption = std::function<bool(std::string_view option, const OptionValue& value)>;

// Reads arguments; `take` gets each option that is not one of ToolOptions.  False for wrong usage: an option
// that nobody knows, a value that is missing, or no word at all.
bool read_options(std::span<char*> arguments, ToolOptions& options, const TakeOption& take);

}  // namespace mailroom
