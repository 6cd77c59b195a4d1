#include "daemons/queued/destination.h"

#include "libcommon/text/scatter.h"

namespace mailroom::queued {

Microseconds next_time(const std::vector<Microseconds>& waits, std::uint32_t failures, std::uint64_t seed,
                       Microseconds now) {
  const Microseconds wait = waits[std::min<std::size_t>(std::max(failures, 1U) - 1, waits.size() - 1)];
  const Microseconds range = wait * 2 * kJitterPercent / 100;
  return now + wait - range / 2 + (range == 0 ? 0 : scatter(seed ^ failures) % range);
}

Microseconds Destination::failed(const std::vector<Microseconds>& waits, std::uint64_t seed,
                                 Microseconds now) {
  proved_ = false;
  window_ = std::max(window_ / 2, 1U);
  if (active_ > 0) return 0;
  window_ = 1;
  blocked_until_ = next_time(waits, ++failures_, seed, now);
  return blocked_until_;
}

}  // namespace mailroom::queued
