// The uids of forked processes that talk to strangers: one for each live process.
//
// Each listener has its part of the pool, one half for each of two generations: after a reload both live.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "daemons/channels/types.h"
#include "daemons/config.h"

namespace mailroom {

class UidPool {
 public:
  // The services' in their order, then relayd's.
  using Part = std::uint32_t;
  static constexpr Part kRelayd = kServiceCount;

  UidPool(const UidConfig& uids, Part part, std::uint32_t generation)
      : size_{uids.login_count / kParts}, first_{uids.login + (part * 2 + generation % 2) * size_} {}

  std::uint32_t size() const { return size_; }
  // How many processes may be started: some of the pool is left to those that are ending.
  std::uint32_t usable() const { return size_ - size_ / 8; }
  uid_t uid(std::uint32_t slot) const { return first_ + slot; }

 private:
  static constexpr std::uint32_t kParts = 2 * (kServiceCount + 1);

  std::uint32_t size_;
  uid_t first_;
};

}  // namespace mailroom
