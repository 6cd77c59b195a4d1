// A Stream over a connected socket, without protection: the client's own, or what a TLS relay passes on.
#pragma once

#include "libcommon/sys/fd.h"
#include "libcommon/sys/stream.h"

namespace mailroom {

class SocketStream : public Stream {
 public:
  // Does not own the descriptors.  `stop` is a descriptor whose end of file (or hang-up) ends the connection
  // as if the client had gone: the listener's channel, closed when the process is to end.  -1: none.
  SocketStream(int socket, int stop) : socket_{socket}, stop_{stop} {}

  std::size_t read(std::span<char> into) override;
  void write(std::string_view bytes) override;
  void set_deadline(std::chrono::steady_clock::time_point deadline) override { deadline_ = deadline; }

  // With a patience other than zero, what is waited for has so much time still once the other end of `stop`
  // has closed its half of it, and the connection ends only when all of it is closed.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }
  // Whether a wait with patience has met that.
  bool is_told_to_end() const { return end_ != kNever; }

  int socket() const { return socket_; }
  int stop() const { return stop_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr Time kNever = Time::max();

  void wait(short events);

  int socket_;
  int stop_;
  Time deadline_ = kNever;
  std::chrono::milliseconds patience_{0};
  Time end_ = kNever;
};

// Waits until the socket is ready for `events` (POLLIN or POLLOUT).  Throws StreamError{timeout} when the
// deadline passes, and Stopped when the stop descriptor comes to its end.
void wait_for_socket(int socket, int stop, short events, std::chrono::steady_clock::time_point deadline);

}  // namespace mailroom
