// How much of a destination is used at a time, and when it is left alone.  Pure.
//
// The window is how many messages may be under way to it: it grows by one with each that works and halves
// with each connection that does not.  When nothing works at all the destination is left alone as a whole,
// for longer each time; then one message tries it again, and none of the others has been touched meanwhile.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace mailroom::queued {

using Microseconds = std::uint64_t;  // since 1970
using DestinationNumber = std::uint32_t;

// Of a waiting time, so that what failed together does not come back together.
inline constexpr std::uint64_t kJitterPercent = 10;

// The time after failure number `failures` (from 1), by `waits`, the last of which repeats.  `seed` decides
// the jitter.
Microseconds next_time(const std::vector<Microseconds>& waits, std::uint32_t failures, std::uint64_t seed,
                       Microseconds now);

// The key of the mailboxes here.  The domain of that name has a dot behind it.
inline constexpr const char* kLocalKey = "local";

enum class DestinationKind : std::uint8_t { local, remote };

class Destination {
 public:
  static constexpr std::uint32_t kFirstWindow = 2;

  Destination(std::string key, DestinationKind kind) : key_{std::move(key)}, kind_{kind} {}

  const std::string& key() const { return key_; }
  DestinationKind kind() const { return kind_; }
  std::uint32_t window() const { return window_; }
  std::uint32_t active() const { return active_; }
  std::uint32_t failures() const { return failures_; }
  Microseconds blocked_until() const { return blocked_until_; }  // 0: it is not
  bool is_held() const { return held_; }
  bool is_proved() const { return proved_; }  // what was last heard of it is that it works
  bool has_room(std::uint32_t most) const {
    return !held_ && blocked_until_ == 0 &&
           active_ < (kind_ == DestinationKind::local ? most : std::min(window_, most));
  }

  void begin() { ++active_; }
  void end() { --active_; }
  void worked(std::uint32_t most) {
    failures_ = 0;
    proved_ = true;
    window_ = std::min(window_ + 1, std::max(most, kFirstWindow));
  }
  // A connection did not come about, or broke.  Blocks the destination, until the time returned, when nothing
  // else is under way to it; otherwise 0.
  Microseconds failed(const std::vector<Microseconds>& waits, std::uint64_t seed, Microseconds now);
  void unblock() { blocked_until_ = 0; }
  void hold(bool held) { held_ = held; }

 private:
  std::string key_;
  DestinationKind kind_;
  bool held_ = false;
  bool proved_ = false;
  std::uint32_t window_ = kFirstWindow;
  std::uint32_t active_ = 0;
  std::uint32_t failures_ = 0;  // in a row
  Microseconds blocked_until_ = 0;
};

}  // namespace mailroom::queued
