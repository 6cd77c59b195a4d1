#include "daemons/dialogue/clock.h"

#include <thread>

namespace mailroom {

std::chrono::steady_clock::time_point SystemClock::now() { return std::chrono::steady_clock::now(); }

std::chrono::sys_seconds SystemClock::date() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

void SystemClock::pause(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

}  // namespace mailroom
