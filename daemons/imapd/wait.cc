#include "daemons/imapd/wait.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace mailroom::imapd {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Wait::Woke PollWait::poll_until(steady_clock::time_point deadline, int mailbox_fd) {
  if (stream_.has_input()) return Woke::client;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    const int timeout = static_cast<int>(std::clamp(left, milliseconds{0}, milliseconds{3600000}).count());
    std::array<pollfd, 3> fds{{{client_, POLLIN, 0}, {stop_, POLLIN, 0}, {mailbox_fd, POLLIN, 0}}};
    const int ready = ::poll(fds.data(), fds.size(), timeout);
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    if (fds[1].revents != 0 || (fds[0].revents != 0 && stream_.absorb())) return Woke::client;
    if (fds[2].revents != 0) return Woke::mailbox;
    if (steady_clock::now() >= deadline) return Woke::deadline;
  }
}

Wait::Woke PollWait::for_client(steady_clock::time_point deadline) { return poll_until(deadline, -1); }

Wait::Woke PollWait::for_both(steady_clock::time_point deadline) {
  const auto look_anyway = steady_clock::now() + watch_.poll_interval();
  const Woke woke = poll_until(std::min(deadline, look_anyway), watch_.fd());
  if (woke == Woke::mailbox) watch_.drain();
  return woke == Woke::deadline && look_anyway < deadline ? Woke::mailbox : woke;
}

}  // namespace mailroom::imapd
