#include "spool/mailbox/watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace mailroom::mailbox {
namespace {

constexpr std::uint32_t kNoLinks = IN_DONT_FOLLOW | IN_EXCL_UNLINK;

}  // namespace

Watch::Watch(std::string account)
    : account_{std::move(account)}, inotify_{inotify_init1(IN_NONBLOCK | IN_CLOEXEC)} {
  if (!inotify_) return;
  // take_in() may put a fresh directory in the place of new/: the account's directory tells.
  const bool all =
      inotify_add_watch(inotify_.get(), account_.c_str(), IN_MOVED_TO | IN_CREATE | IN_ONLYDIR) >= 0 &&
      inotify_add_watch(inotify_.get(), (account_ + "/index/changes").c_str(), IN_MODIFY | kNoLinks) >= 0;
  watch_new();
  if (!all || new_watch_ < 0) inotify_.reset();
}

void Watch::watch_new() {
  // IN_MOVED_TO: deliverd writes under another name and renames.
  new_watch_ =
      inotify_add_watch(inotify_.get(), (account_ + "/new").c_str(), IN_MOVED_TO | IN_ONLYDIR | kNoLinks);
}

std::chrono::seconds Watch::poll_interval() const { return inotify_ ? kWithWatch : kWithoutWatch; }

bool Watch::drain() {
  bool any = false;
  alignas(inotify_event) char events[4096];
  while (inotify_) {
    const ssize_t n = read(inotify_.get(), events, sizeof events);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    any = true;
  }
  if (any) watch_new();  // the same watch again unless new/ is another directory now
  return any;
}

}  // namespace mailroom::mailbox
