#include "libcommon/config/value.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <span>

namespace mailroom::config {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// From the largest to the smallest.
constexpr Unit kSizeUnits[] = {{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}};
constexpr Unit kTimeUnits[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

Parsed<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units,
                                      std::string_view expected) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  if (error == std::errc::result_out_of_range)
    return std::unexpected(fmt::format("\"{}\" is too large", text));
  if (error == std::errc{})
    for (const auto& unit : units)
      if (rest == unit.name) {
        if (number > std::numeric_limits<std::int64_t>::max() / unit.factor)
          return std::unexpected(fmt::format("\"{}\" is too large", text));
        return number * unit.factor;
      }
  return std::unexpected(fmt::format("\"{}\" is not {}", text, expected));
}

std::string format_with_unit(std::uint64_t value, std::span<const Unit> units) {
  const Unit* best = &units.back();
  if (value != 0)
    while (best != &units.front() && value % (best - 1)->factor == 0) --best;
  return fmt::format("{}{}", value / best->factor, best->name);
}

}  // namespace

Parsed<std::uint64_t> parse_number(std::string_view text) {
  static constexpr Unit kNone[] = {{"", 1}};
  return parse_with_unit(text, kNone, "a number");
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, kSizeUnits, "a size (a number and K, M or G)");
}

Parsed<Duration> parse_time(std::string_view text) {
  const auto count = parse_with_unit(text, kTimeUnits, "a time (a number and ms, s, m, h or d)");
  if (!count) return std::unexpected(count.error());
  return Duration{std::chrono::milliseconds{*count}};
}

Parsed<bool> parse_flag(std::string_view text) {
  if (text == "yes") return true;
  if (text == "no") return false;
  return std::unexpected(fmt::format("\"{}\" is neither yes nor no", text));
}

std::string format_size(std::uint64_t octets) { return format_with_unit(octets, kSizeUnits); }

std::string format_time(Duration time) {
  if (time.milliseconds == 0) return "0s";
  return format_with_unit(time.milliseconds, kTimeUnits);
}

}  // namespace mailroom::config
