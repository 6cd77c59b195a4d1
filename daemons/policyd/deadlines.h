// What must be answered within a fixed time: calls back for each entry whose time has come, up to a quarter
// of that time late, in the order they were added. An entry is never taken out early; who is called back
// knows whether it still matters.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <utility>

#include "libcommon/event/loop.h"

namespace mailroom::policyd {

template <typename Entry>
class Deadlines {
 public:
  using Clock = std::chrono::steady_clock;

  Deadlines(event::Loop& loop, std::chrono::milliseconds after, std::function<void(const Entry&)> on_due)
      : after_{after}, on_due_{std::move(on_due)}, timer_{loop, [this] { expire(); }} {}

  void add(Entry entry) {
    waiting_.emplace_back(Clock::now() + after_, std::move(entry));
    if (waiting_.size() == 1) timer_.start(after_);
  }

 private:
  void expire() {
    while (!waiting_.empty() && waiting_.front().first <= Clock::now()) {
      const Entry entry = std::move(waiting_.front().second);
      waiting_.pop_front();
      on_due_(entry);
    }
    if (waiting_.empty()) return;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(waiting_.front().first - Clock::now());
    timer_.start(std::max(left, after_ / 4));  // many at once: nearly all have been answered long ago
  }

  std::chrono::milliseconds after_;
  std::function<void(const Entry&)> on_due_;
  event::Timer timer_;
  std::deque<std::pair<Clock::time_point, Entry>> waiting_;
};

}  // namespace mailroom::policyd
