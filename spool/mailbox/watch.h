// Learning that something may have changed in an account: a delivery, or another session's commit.
#pragma once

#include <chrono>
#include <string>

#include "libcommon/sys/fd.h"

namespace mailroom::mailbox {

// Watches new/ and the index by inotify.  Where the kernel gives no watch, fd() is -1 and the caller looks by
// itself every poll_interval(); it should look that often anyway when a watch got lost.  A signal says only
// "look": it may be the caller's own change, and several changes may be one signal.
class Watch {
 public:
  // `account` as in Options::path.
  explicit Watch(std::string account);

  // For poll(), beside the client's socket: readable when there is something to look at; -1 when there is no
  // watch.
  int fd() const { return inotify_.get(); }

  // Longest wait between two looks: kWithWatch or kWithoutWatch.
  std::chrono::seconds poll_interval() const;

  // Takes what was signalled; true when there was anything.  Never blocks.  Call before looking, not after.
  bool drain();

  static constexpr std::chrono::seconds kWithWatch{300};
  static constexpr std::chrono::seconds kWithoutWatch{5};

 private:
  void watch_new();
  std::string account_;
  Fd inotify_;
  int new_watch_ = -1;
};

}  // namespace mailroom::mailbox
