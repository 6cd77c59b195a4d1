// Seconds since 1970 by a clock that is never set back: what was given for half an hour ends after half an
// hour at the latest, whatever happens to the system's clock.  Pure: both clocks' times are given.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace mailroom::policy {

class ForwardClock {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // `latest` is a time that this clock has shown before the process was started.
  ForwardClock(std::uint64_t latest, std::uint64_t system, Steady steady)
      : seconds_{std::max(latest, system)}, at_{steady} {}

  // Follows the system's clock forwards; goes on at the steady one's pace when that was set back.
  std::uint64_t now(std::uint64_t system, Steady steady) {
    const auto passed = std::chrono::floor<std::chrono::seconds>(std::max(steady - at_, Steady::duration{0}));
    seconds_ += static_cast<std::uint64_t>(passed.count());
    at_ += passed;
    seconds_ = std::max(seconds_, system);
    return seconds_;
  }

 private:
  std::uint64_t seconds_;
  Steady at_;
};

}  // namespace mailroom::policy
