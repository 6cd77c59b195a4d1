// Brings what counts against limits through a restart, without a sync for each message: what has changed is
// written now and then, and at an orderly end.  A process that dies forgets what it has counted since.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "libcommon/event/loop.h"
#include "libcommon/policy/limits.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

inline constexpr std::chrono::seconds kLimitInterval{30};

class LimitKeeper {
 public:
  // Seconds since 1970; tests bring their own.
  using SystemClock = std::function<std::uint64_t()>;

  // Fills the book with what was written.  A window that seems to begin in the future, since the clock was
  // set back, begins now.
  LimitKeeper(event::Loop& loop, state::Directory& directory, policy::LimitBook& book,
              SystemClock system_clock);

  const policy::LimitBook& book() const { return book_; }

  // By an operator; durable when it returns.  False when nothing was counted.  Throws when it cannot be
  // written; it goes on to count then.
  bool release(const policy::LimitBook::Key& key);

  // Writes what has changed.  A failure is logged, and it is written the next time: limits work without.
  void write();

 private:
  void restore();
  void tick();
  state::LimitUse stored(const policy::LimitBook::Key& key, const policy::LimitBook::Uses& uses) const;

  state::Directory& directory_;
  policy::LimitBook& book_;
  SystemClock system_clock_;
  event::Timer timer_;
};

}  // namespace mailroom::policyd
