#include "libcommon/text/day.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "libcommon/text/ascii.h"

namespace mailroom {
namespace {

constexpr unsigned kFirstYear = 1970;

}  // namespace

std::optional<std::uint64_t> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = parse_decimal<unsigned>(text.substr(0, 4)),
             month = parse_decimal<unsigned>(text.substr(5, 2)),
             day = parse_decimal<unsigned>(text.substr(8));
  if (!year || !month || !day || *year < kFirstYear) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok()) return std::nullopt;
  return static_cast<std::uint64_t>(
      std::chrono::sys_seconds{std::chrono::sys_days{date}}.time_since_epoch().count());
}

std::string day_text(std::uint64_t seconds) {
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds{std::chrono::seconds{static_cast<std::int64_t>(seconds)}})};
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

}  // namespace mailroom
