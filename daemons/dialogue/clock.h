// Time for the protocol engines; a test gives them another.
#pragma once

#include <chrono>

namespace mailroom {

class Clock {
 public:
  virtual ~Clock() = default;

  virtual std::chrono::steady_clock::time_point now() = 0;  // for deadlines
  virtual std::chrono::sys_seconds date() = 0;              // for the Received line
  virtual void pause(std::chrono::milliseconds time) = 0;
};

// System calls: clock_nanosleep; the rest is the vDSO's.
class SystemClock : public Clock {
 public:
  std::chrono::steady_clock::time_point now() override;
  std::chrono::sys_seconds date() override;
  void pause(std::chrono::milliseconds time) override;
};

}  // namespace mailroom
