// A descriptor whose lender wants to know when it is given back.
#pragma once

#include <memory>
#include <utility>

#include "libcommon/sys/fd.h"

namespace mailroom {

// The lease ends, with whatever its deleter does, after the descriptor is closed.  Made of a plain descriptor
// it has none.
struct LeasedFd {
  LeasedFd() noexcept = default;
  LeasedFd(Fd descriptor) noexcept : fd{std::move(descriptor)} {}  // NOLINT: what nobody has lent
  LeasedFd(Fd descriptor, std::shared_ptr<void> until_closed) noexcept
      : lease{std::move(until_closed)}, fd{std::move(descriptor)} {}
  LeasedFd(LeasedFd&&) noexcept = default;
  LeasedFd& operator=(LeasedFd&& other) noexcept {
    fd = std::move(other.fd);
    lease = std::move(other.lease);
    return *this;
  }

  std::shared_ptr<void> lease;
  Fd fd;  // closed first
};

}  // namespace mailroom
