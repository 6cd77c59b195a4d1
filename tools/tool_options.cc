#include "tools/tool_options.h"

namespace mailroom {

bool read_options(std::span<char*> arguments, ToolOptions& options, const TakeOption& take) {
  bool has_values = true;
  const OptionValue value = [&]() -> std::string {
    has_values = arguments.size() > 1;
    if (!has_values) return {};
    arguments = arguments.subspan(1);
    return arguments.front();
  };
  for (; has_values && !arguments.empty(); arguments = arguments.subspan(1)) {
    const std::string_view word = arguments.front();
    if (!word.starts_with("--")) {
      options.words.emplace_back(word);
    } else if (word == "--json") {
      options.json = true;
    } else if (word == "--config") {
      options.config = value();
    } else if (!take(word, value)) {
      return false;
    }
  }
  return has_values && !options.words.empty();
}

}  // namespace mailroom
