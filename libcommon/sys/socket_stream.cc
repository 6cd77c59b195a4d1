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

// The first of these: half of the stop descriptor closed (when that is looked for), all of it, or the socket
// ready.
enum class Woke : std::uint8_t { half_closed, closed, ready };
enum class LookFor : short { half = POLLRDHUP, whole = 0 };  // POLLHUP comes by itself

Woke wait_once(int socket, short events, int stop, LookFor end,
               std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    pollfd entries[2] = {{socket, events, 0}, {stop, static_cast<short>(end), 0}};
    const int ready = ::poll(entries, stop < 0 ? 1 : 2, milliseconds_until(deadline));
    if (ready < 0 && errno != EINTR) fail("poll");
    if (ready == 0) throw StreamError{StreamError::Kind::timeout, "the deadline has passed"};
    if (ready < 0) continue;
    if (entries[1].revents != 0) return entries[1].revents == POLLRDHUP ? Woke::half_closed : Woke::closed;
    if (entries[0].revents != 0) return Woke::ready;
  }
}

}  // namespace

void wait_for_socket(int socket, int stop, short events, std::chrono::steady_clock::time_point deadline) {
  if (wait_once(socket, events, stop, LookFor::half, deadline) != Woke::ready) throw Stopped{};
}

void SocketStream::wait(short events) {
  for (;;) {
    const bool goes_on = is_told_to_end() && patience_ != std::chrono::milliseconds::zero();
    const Woke woke = wait_once(socket_, events, stop_, goes_on ? LookFor::whole : LookFor::half,
                                std::min(deadline_, end_));
    if (woke == Woke::ready) return;
    if (woke == Woke::closed || patience_ == std::chrono::milliseconds::zero()) throw Stopped{};
    end_ = std::chrono::steady_clock::now() + patience_;
  }
}

std::size_t SocketStream::read(std::span<char> into) {
  for (;;) {
    wait(POLLIN);
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
      wait(POLLOUT);
    } else if (errno != EINTR) {
      fail("send");
    }
  }
}

}  // namespace mailroom
