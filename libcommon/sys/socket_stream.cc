#include "libcommon/sys/socket_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mailroom {
namespace {

int milliseconds_until(std::chrono::steady_clock::time_point deadline) {
  if (deadline == std::chrono::steady_clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<long long>(left.count(), 0, 1 << 30));
}

[[noreturn]] void fail(const char* what) {
  const bool closed = errno == ECONNRESET || errno == EPIPE || errno == ENOTCONN;
  throw StreamError{closed ? StreamError::Kind::closed : StreamError::Kind::failed,
                    std::string{what} + ": " + std::strerror(errno)};
}

}  // namespace

void wait_for_socket(int socket, int stop, short events, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    // The listener never writes unasked: readable means hung up, as does POLLHUP.
    pollfd entries[2] = {{socket, events, 0}, {stop, POLLRDHUP, 0}};
    const int ready = ::poll(entries, stop < 0 ? 1 : 2, milliseconds_until(deadline));
    if (ready < 0 && errno != EINTR) fail("poll");
    if (ready == 0) throw StreamError{StreamError::Kind::timeout, "the deadline has passed"};
    if (ready > 0 && stop >= 0 && entries[1].revents != 0)
      throw StreamError{StreamError::Kind::closed, "the service ends this connection"};
    if (ready > 0 && entries[0].revents != 0) return;
  }
}

std::size_t SocketStream::read(std::span<char> into) {
  for (;;) {
    wait_for_socket(socket_, stop_, POLLIN, deadline_);
    const ssize_t got = ::recv(socket_, into.data(), into.size(), MSG_DONTWAIT);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR && errno != EAGAIN) fail("recv");
  }
}

void SocketStream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      wait_for_socket(socket_, stop_, POLLOUT, deadline_);
    } else if (errno != EINTR) {
      fail("send");
    }
  }
}

}  // namespace mailroom
