// A limit of time on calls that have none of their own: a library's, on files that another can exchange for
// pipes or lock.
#pragma once

#include <sys/time.h>

#include <chrono>

namespace mailroom {

// Ends this process with SIGALRM when what is done during the life of this object takes longer.  One at a
// time, and nothing else in the process may use SIGALRM or ITIMER_REAL.
class TimeLimit {
 public:
  explicit TimeLimit(std::chrono::seconds limit) { set(limit); }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit() { set(std::chrono::seconds::zero()); }

 private:
  static void set(std::chrono::seconds limit) {
    const itimerval once{.it_interval = {}, .it_value = {.tv_sec = limit.count(), .tv_usec = 0}};
    ::setitimer(ITIMER_REAL, &once, nullptr);
  }
};

}  // namespace mailroom
