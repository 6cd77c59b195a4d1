// A few threads for work that takes its time (hashing a password, asking a KDC), so that the loop never waits
// for it. Made before the system-call filter closes.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "libcommon/event/loop.h"
#include "libcommon/sys/fd.h"

namespace mailroom::event {

class ThreadPool {
 public:
  using Work = std::move_only_function<void()>;

  ThreadPool(event::Loop& loop, unsigned threads);
  // Waits for the work that runs; what waits is dropped.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Runs `work` in a thread and then `done` in the loop.
  void submit(Work work, Work done);

  // Jobs that no thread has taken yet.
  std::size_t waiting();

 private:
  struct Job {
    Work work;
    Work done;
  };
  void run();
  void finish();

  Fd wake_;  // eventfd: there are finished jobs
  std::mutex mutex_;
  std::condition_variable there_is_work_;
  std::deque<Job> waiting_;
  std::vector<Work> finished_;
  bool ending_ = false;
  event::ReadWatch woken_;
  std::vector<std::jthread> threads_;
};

}  // namespace mailroom::event
