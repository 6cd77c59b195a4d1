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

  int socket() const { return socket_; }
  int stop() const { return stop_; }

 private:
  int socket_;
  int stop_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
};

// Waits until the socket is ready for `events` (POLLIN or POLLOUT).  Throws StreamError when the deadline
// passes (timeout) or the stop descriptor hangs up (closed).
void wait_for_socket(int socket, int stop, short events, std::chrono::steady_clock::time_point deadline);

}  // namespace mailroom
