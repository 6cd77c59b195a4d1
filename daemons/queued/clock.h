// The time as the queue counts it.
#pragma once

#include <chrono>
#include <cstdint>

namespace mailroom::queued {

inline std::uint64_t microseconds_now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace mailroom::queued
