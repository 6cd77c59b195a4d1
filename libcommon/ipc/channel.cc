#include "libcommon/ipc/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace mailroom::ipc {
namespace {

constexpr std::size_t kControlSize = CMSG_SPACE(kMaxDescriptors * sizeof(int));

// One buffer for each process is enough: a packet is decoded before the next is received.
class ReceiveBuffer {
 public:
  char* data() { return octets_.data(); }
  // What was received last is wiped before the next receive, also when that brings nothing: a packet may hold
  // a password. Only small ones do; content has other copies.
  void wipe() { ::explicit_bzero(data(), std::min(std::exchange(received_, 0), kMaxSecret)); }
  void note_received(std::size_t size) { received_ = size; }

 private:
  static constexpr std::size_t kMaxSecret = 4096;
  std::size_t received_ = 0;  // in the page where most packets end
  std::array<char, kMaxPacket> octets_{};
};

// Not on the heap, where it would stand between what forked processes write to.
constinit ReceiveBuffer g_receive_buffer;

std::vector<Fd> take_descriptors(msghdr& header) {
  std::vector<Fd> taken;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof fd);
      taken.emplace_back(fd);
    }
  }
  return taken;
}

iovec part_of(std::string_view octets) { return {const_cast<char*>(octets.data()), octets.size()}; }

// Whether the socket became ready before the deadline.
bool wait_for(int fd, short events, std::optional<std::chrono::steady_clock::time_point> deadline) {
  for (;;) {
    int timeout = -1;
    if (deadline) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      timeout = static_cast<int>(std::min<long long>(left.count(), 1 << 30));
    }
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, timeout);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // let the call itself report what is wrong
  }
}

}  // namespace

std::pair<Fd, Fd> make_channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  return {Fd{ends[0]}, Fd{ends[1]}};
}

void PacketSocket::finish() { ::shutdown(fd(), SHUT_WR); }

void Packet::forget() { ::explicit_bzero(const_cast<char*>(bytes.data()), bytes.size()); }

std::expected<Packet, ReceiveError>
PacketSocket::receive(Wait wait, std::size_t max_descriptors,
                      std::optional<std::chrono::steady_clock::time_point> deadline) {
  g_receive_buffer.wipe();
  iovec part{g_receive_buffer.data(), kMaxPacket};
  alignas(cmsghdr) char control[kControlSize];
  for (;;) {
    if (wait == Wait::yes && deadline && !wait_for(fd(), POLLIN, deadline))
      return std::unexpected(ReceiveError::would_block);
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(fd(), &header, MSG_CMSG_CLOEXEC | (wait == Wait::no ? MSG_DONTWAIT : 0));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      // A blocking call on a non-blocking descriptor waits here.
      if (wait == Wait::no || !wait_for(fd(), POLLIN, deadline))
        return std::unexpected(ReceiveError::would_block);
      continue;
    }
    const bool is_no_socket =
        got < 0 && end_.fd && (errno == ENOTSOCK || errno == EBADF);  // EBADF: of O_PATH
    if (got < 0) return std::unexpected(is_no_socket ? ReceiveError::malformed : ReceiveError::closed);
    g_receive_buffer.note_received(static_cast<std::size_t>(got));
    // Also of an empty packet, which looks like the end: what came with it must not stay open.
    Packet packet{{static_cast<const char*>(part.iov_base), static_cast<std::size_t>(got)},
                  take_descriptors(header)};
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || packet.descriptors.size() > max_descriptors)
      return std::unexpected(ReceiveError::malformed);
    if (got == 0) return std::unexpected(ReceiveError::closed);
    return packet;
  }
}

SendResult PacketSocket::send(std::string_view bytes, Wait wait, std::span<const int> descriptors,
                              const LeftOut& long_string) {
  if (bytes.size() + long_string.text.size() > kMaxPacket || descriptors.size() > kMaxDescriptors)
    throw std::length_error("packet too large");
  std::array<iovec, 3> parts{part_of(bytes.substr(0, long_string.at)), part_of(long_string.text),
                             part_of(bytes.substr(long_string.at))};
  alignas(cmsghdr) char control[kControlSize] = {};
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    const ssize_t sent = ::sendmsg(fd(), &header, MSG_NOSIGNAL | (wait == Wait::no ? MSG_DONTWAIT : 0));
    if (sent >= 0) return SendResult::sent;
    if (errno == EINTR) continue;
    if (errno == ETOOMANYREFS) return SendResult::too_many_descriptors;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return SendResult::closed;
    if (wait == Wait::no) return SendResult::would_block;
    wait_for(fd(), POLLOUT, {});
  }
}

}  // namespace mailroom::ipc
