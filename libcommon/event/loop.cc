#include "libcommon/event/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include <stdexcept>

namespace mailroom::event {
namespace {

// The callback is copied out first: it may destroy the watch that holds it.
void call(evutil_socket_t, short, void* argument) {
  const auto callback = *static_cast<std::function<void()>*>(argument);
  callback();
}

struct Registration {
  std::function<void()> callback;
  ::event registered{};

  Registration(Loop& loop, int fd, short what, std::function<void()> function)
      : callback{std::move(function)} {
    if (::event_assign(&registered, loop.base(), fd, what, call, &callback) != 0)
      throw std::runtime_error("event_assign failed");
  }
  ~Registration() { ::event_del(&registered); }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
};

}  // namespace

Loop::Loop() : base_{::event_base_new()} {
  if (base_ == nullptr) throw std::runtime_error("event_base_new failed");
}
Loop::~Loop() { ::event_base_free(base_); }
void Loop::run() { ::event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY); }
void Loop::stop() { ::event_base_loopbreak(base_); }

struct ReadWatch::State : Registration {
  using Registration::Registration;
};
ReadWatch::ReadWatch(Loop& loop, int fd, std::function<void()> on_readable)
    : state_{std::make_unique<State>(loop, fd, EV_READ | EV_PERSIST, std::move(on_readable))} {
  resume();
}
ReadWatch::~ReadWatch() = default;
void ReadWatch::pause() { ::event_del(&state_->registered); }
void ReadWatch::resume() {
  if (::event_add(&state_->registered, nullptr) != 0) ::event_active(&state_->registered, EV_READ, 1);
}

struct WriteWatch::State : Registration {
  using Registration::Registration;
};
WriteWatch::WriteWatch(Loop& loop, int fd, std::function<void()> on_writable)
    : state_{std::make_unique<State>(loop, fd, EV_WRITE, std::move(on_writable))} {}
WriteWatch::~WriteWatch() = default;
void WriteWatch::arm() { ::event_add(&state_->registered, nullptr); }

struct Timer::State : Registration {
  using Registration::Registration;
};
Timer::Timer(Loop& loop, std::function<void()> on_time)
    : state_{std::make_unique<State>(loop, -1, EV_TIMEOUT, std::move(on_time))} {}
Timer::~Timer() = default;
void Timer::start(std::chrono::microseconds after) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(after);
  const timeval wait{seconds.count(), (after - seconds).count()};
  ::event_add(&state_->registered, &wait);
}
void Timer::cancel() { ::event_del(&state_->registered); }

struct SignalWatch::State : Registration {
  using Registration::Registration;
};
SignalWatch::SignalWatch(Loop& loop, int signal, std::function<void()> on_signal)
    : state_{std::make_unique<State>(loop, signal, EV_SIGNAL | EV_PERSIST, std::move(on_signal))} {
  ::event_add(&state_->registered, nullptr);
}
SignalWatch::~SignalWatch() = default;

}  // namespace mailroom::event
