// How old a password may become.  Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace mailroom::authd {

struct PasswordAge {
  bool expired = false;
  std::optional<std::uint32_t> days_left;  // when it is time to warn: 1 on the last day
};

// Times are seconds since 1970.  `max_age` zero: passwords never expire.  A password from the future (the
// clock was set back) is new.
inline PasswordAge password_age(std::uint64_t changed, std::uint64_t now, std::chrono::milliseconds max_age,
                                std::chrono::milliseconds warning) {
  using Days = std::chrono::duration<std::int64_t, std::ratio<86'400>>;
  if (max_age.count() == 0) return {};
  const std::chrono::seconds age{now > changed ? now - changed : 0};
  const std::chrono::milliseconds left = max_age - age;
  if (left.count() <= 0) return {.expired = true};
  if (left > warning) return {};
  return {.days_left = static_cast<std::uint32_t>(std::chrono::ceil<Days>(left).count())};
}

}  // namespace mailroom::authd
