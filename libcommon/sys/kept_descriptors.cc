#include "libcommon/sys/kept_descriptors.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "libcommon/sys/fatal.h"

namespace mailroom {

void close_all_but(std::initializer_list<int> kept) {
  std::array<int, 16> sorted{};
  const auto end = std::ranges::copy_if(kept, sorted.begin(), [](int fd) { return fd > 2; }).out;
  std::sort(sorted.begin(), end);
  unsigned first = 3;
  for (auto fd = sorted.begin(); fd != end; ++fd) {
    const auto next = static_cast<unsigned>(*fd);
    if (next > first && ::close_range(first, next - 1, 0) != 0) fatal_errno("close_range");
    first = next + 1;
  }
  if (::close_range(first, ~0U, 0) != 0) fatal_errno("close_range");
}

}  // namespace mailroom
