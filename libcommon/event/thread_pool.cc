#include "libcommon/event/thread_pool.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace mailroom::event {
namespace {

Fd make_eventfd() {
  Fd fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!fd) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace

ThreadPool::ThreadPool(event::Loop& loop, unsigned threads)
    : wake_{make_eventfd()}, woken_{loop, wake_.get(), [this] { finish(); }} {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  there_is_work_.notify_all();
  threads_.clear();  // joins
}

void ThreadPool::submit(Work work, Work done) {
  {
    const std::lock_guard lock{mutex_};
    waiting_.push_back({std::move(work), std::move(done)});
  }
  there_is_work_.notify_one();
}

std::size_t ThreadPool::waiting() {
  const std::lock_guard lock{mutex_};
  return waiting_.size();
}

void ThreadPool::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    there_is_work_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job.work();
    lock.lock();
    finished_.push_back(std::move(job.done));
    lock.unlock();  // whom the event wakes wants it
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written =
        ::write(wake_.get(), &one, sizeof one);  // cannot fail: the counter is small
    lock.lock();
  }
}

void ThreadPool::finish() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
  std::vector<Work> finished;
  {
    const std::lock_guard lock{mutex_};
    finished.swap(finished_);
  }
  for (Work& done : finished) done();
}

}  // namespace mailroom::event
