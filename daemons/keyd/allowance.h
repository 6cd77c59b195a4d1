// How many signatures may be had in a time: so many at once, and then so many in a second.
#pragma once

#include <algorithm>
#include <chrono>

namespace mailroom::keyd {

class Allowance {
 public:
  using Clock = std::chrono::steady_clock;
  struct Rate {
    double at_once;
    double per_second;
  };

  Allowance(Rate rate, Clock::time_point now) : rate_{rate}, left_{rate.at_once}, at_{now} {}

  // Whether one more may be had now; then it is.
  bool take(Clock::time_point now) {
    const double seconds = std::chrono::duration<double>(now - at_).count();
    left_ = std::min(rate_.at_once, left_ + seconds * rate_.per_second);
    at_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  Rate rate_;
  double left_;
  Clock::time_point at_;
};

}  // namespace mailroom::keyd
