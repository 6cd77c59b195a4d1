#include "tools/queue_tool.h"

#include <fmt/format.h>

#include "tools/time_text.h"

namespace mailroom {

std::string moment_text(std::uint64_t microseconds) {
  return microseconds == 0 ? "-" : time_text(microseconds / 1'000'000);
}

std::string dumped(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + '\n';
}

}  // namespace mailroom
