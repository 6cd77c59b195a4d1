// Moments as the tools print them, RFC 3339 in UTC: "2027-01-31T12:34:56Z".
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

namespace mailroom {

// `seconds` since 1970.
inline std::string time_text(std::uint64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace mailroom
