// A span of time as configured: a value that crosses channels, unlike std::chrono's types.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <tuple>

namespace mailroom {

struct Duration {
  std::uint64_t milliseconds = 0;

  constexpr Duration() = default;
  template <typename Rep, typename Period>
  constexpr Duration(std::chrono::duration<Rep, Period> time)
      : milliseconds{static_cast<std::uint64_t>(std::chrono::milliseconds{time}.count())} {}
  constexpr operator std::chrono::milliseconds() const {
    return std::chrono::milliseconds{static_cast<std::int64_t>(milliseconds)};
  }
  constexpr auto operator<=>(const Duration&) const = default;
  static auto fields(auto& m) { return std::tie(m.milliseconds); }
};

}  // namespace mailroom
