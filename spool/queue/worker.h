// Where the queue's slow calls (write, fdatasync, unlink) run, so that the event loop never waits for a disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "libcommon/sys/fd.h"

namespace mailroom::queue {

class Worker {
 public:
  virtual ~Worker() = default;
  // Runs `work`, and afterwards `then` in the caller's thread, but never before run() has returned.  Jobs run
  // one at a time and in order.  `work` must touch nothing that the caller's thread touches meanwhile, and
  // must not throw.
  virtual void run(std::function<void()> work, std::function<void()> then) = 0;
};

// A thread, made by the constructor: make it before the system-call filter, which forbids new ones.
class ThreadWorker : public Worker {
 public:
  ThreadWorker();
  // Waits for the jobs that were begun or queued; their `then` no longer runs.
  ~ThreadWorker() override;
  ThreadWorker(const ThreadWorker&) = delete;
  ThreadWorker& operator=(const ThreadWorker&) = delete;

  void run(std::function<void()> work, std::function<void()> then) override;
  // Whether the `then` of all jobs has run.
  bool is_idle() const { return pending_ == 0; }

  // Readable (an eventfd) when work has ended; then call dispatch() from the thread that calls run().
  int event_fd() const { return event_.get(); }
  // Runs the `then` of all work that has ended.
  void dispatch();

 private:
  struct Job {
    std::function<void()> work;
    std::function<void()> then;
  };
  void work_until_stopped();

  Fd event_;
  std::size_t pending_ = 0;  // jobs; of the thread that calls run()
  std::mutex mutex_;         // of all that follows but the thread
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  std::deque<Job> ended_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mailroom::queue
