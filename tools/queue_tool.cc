#include "tools/queue_tool.h"

#include <fmt/format.h>

#include <ctime>

namespace mailroom {

std::string time_text(std::uint64_t microseconds) {
  if (microseconds == 0) return "-";
  const auto time = static_cast<std::time_t>(microseconds / 1'000'000);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f)
      out += fmt::format("\\x{:02x}", octet);
    else
      out += c;
  }
  return out;
}

std::string dumped(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + '\n';
}

}  // namespace mailroom
