// How often something failed lately, by a key that strangers choose: names, addresses.  Pure; bounded in
// memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace mailroom::authd {

// A sliding window in two halves: what failed in the window before counts by the part of it that is still
// within reach.
template <typename Key>
class FailureCounts {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit FailureCounts(std::chrono::milliseconds window, std::size_t max_keys = 65'536)
      : window_{window}, max_keys_{max_keys} {}

  void set_window(std::chrono::milliseconds window) { window_ = window; }

  void add(const Key& key, Time now) {
    advance(now);
    if (current_.size() >= max_keys_ && !current_.contains(key)) rotate(now);
    ++current_[key];
  }

  std::uint32_t count(const Key& key, Time now) {
    advance(now);
    const double left = 1.0 - std::chrono::duration<double>(now - began_) / window_;
    return of(current_, key) + static_cast<std::uint32_t>(of(previous_, key) * left);
  }

 private:
  using Counts = std::map<Key, std::uint32_t>;  // ordered: no keys collide, whoever chooses them

  static std::uint32_t of(const Counts& counts, const Key& key) {
    const auto found = counts.find(key);
    return found == counts.end() ? 0 : found->second;
  }

  void rotate(Time now) {
    previous_ = std::exchange(current_, {});
    began_ = now;
  }

  void advance(Time now) {
    if (now < began_ + window_) return;
    const bool long_ago = now >= began_ + 2 * window_;
    rotate(now);
    if (long_ago) previous_.clear();
  }

  std::chrono::milliseconds window_;
  std::size_t max_keys_;
  Time began_{};
  Counts current_;
  Counts previous_;
};

}  // namespace mailroom::authd
