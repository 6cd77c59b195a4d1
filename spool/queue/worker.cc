#include "spool/queue/worker.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

namespace mailroom::queue {
namespace {

// Signals belong to the event loop's thread.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

ThreadWorker::ThreadWorker() : event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (!event_) throw std::system_error(errno, std::generic_category(), "eventfd");
  const AllSignalsBlocked blocked;
  thread_ = std::thread{[this] { work_until_stopped(); }};
}

ThreadWorker::~ThreadWorker() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void ThreadWorker::run(std::function<void()> work, std::function<void()> then) {
  ++pending_;
  {
    const std::lock_guard lock{mutex_};
    waiting_.push_back({std::move(work), std::move(then)});
  }
  wake_.notify_one();
}

void ThreadWorker::dispatch() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(event_.get(), &count, sizeof count);
  std::deque<Job> ended;
  {
    const std::lock_guard lock{mutex_};
    ended.swap(ended_);
  }
  for (Job& job : ended) {
    --pending_;
    job.then();
  }
}

void ThreadWorker::work_until_stopped() {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job.work();
    lock.lock();
    ended_.push_back(std::move(job));
    lock.unlock();  // whom the event wakes wants it
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(event_.get(), &one, sizeof one);
    lock.lock();
  }
}

}  // namespace mailroom::queue
