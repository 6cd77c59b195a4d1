// Days as operators write them: "2027-01-31", in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom {

// Seconds since 1970 at the beginning of that day; nothing for what is no day from 1970 to 9999.
std::optional<std::uint64_t> parse_day(std::string_view text);

// The day in which that time falls.
std::string day_text(std::uint64_t seconds);

}  // namespace mailroom
