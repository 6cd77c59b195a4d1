// The one door to libevent: an event loop for the servers that multiplex, as objects whose lifetime is the
// registration. All callbacks run in the loop's thread; a callback may destroy the object that called it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

struct event_base;

namespace mailroom::event {

class Loop {
 public:
  Loop();  // throws std::runtime_error if the kernel gives no epoll
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();   // until stop()
  void stop();  // after the callback that runs now
  event_base* base() const { return base_; }

 private:
  event_base* base_;
};

// Calls back whenever a descriptor is readable (level-triggered); once for what cannot be watched (a file, a
// directory), so that whoever reads learns what it is.  Does not own the descriptor.
class ReadWatch {
 public:
  ReadWatch(Loop& loop, int fd, std::function<void()> on_readable);
  ~ReadWatch();
  ReadWatch(const ReadWatch&) = delete;
  ReadWatch& operator=(const ReadWatch&) = delete;

  void pause();
  void resume();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Calls back once when the descriptor becomes writable; arm() again for more.
class WriteWatch {
 public:
  WriteWatch(Loop& loop, int fd, std::function<void()> on_writable);
  ~WriteWatch();
  WriteWatch(const WriteWatch&) = delete;
  WriteWatch& operator=(const WriteWatch&) = delete;

  void arm();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Calls back once after a time; start() again for more.  Starting a running timer moves it.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_time);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(std::chrono::microseconds after);
  void cancel();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Calls back, in the loop, for a signal of this process.
class SignalWatch {
 public:
  SignalWatch(Loop& loop, int signal, std::function<void()> on_signal);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailroom::event
