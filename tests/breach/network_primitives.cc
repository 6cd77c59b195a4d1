// The network, and the sockets and pipes that the process has.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>

#include "tests/breach/primitives.h"

namespace breach {
namespace {

sockaddr_in some_address(std::uint32_t host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);  // discard
  address.sin_addr.s_addr = htonl(host);
  return address;
}

bool any_socket(Attacker& attacker, bool (*act)(Attacker&, std::uint64_t)) {
  for (const int fd : attacker.sockets())
    if (act(attacker, static_cast<std::uint64_t>(fd))) return true;
  return false;
}

bool opens_socket(Attacker& attacker, std::initializer_list<int> families, std::initializer_list<int> types) {
  for (const int family : families)
    for (const int type : types)
      if (attacker.opens(SYS_socket,
                         {static_cast<std::uint64_t>(family), static_cast<std::uint64_t>(type), 0}))
        return true;
  return false;
}

bool open_tcp_socket(Attacker& attacker) {
  return opens_socket(attacker, {AF_INET, AF_INET6}, {SOCK_STREAM});
}
bool open_udp_socket(Attacker& attacker) { return opens_socket(attacker, {AF_INET, AF_INET6}, {SOCK_DGRAM}); }
bool open_local_socket(Attacker& attacker) {
  return opens_socket(attacker, {AF_UNIX}, {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET});
}
bool open_other_socket(Attacker& attacker) {
  constexpr int kAlg = 38, kVsock = 40, kXdp = 44;
  return opens_socket(attacker, {AF_NETLINK, AF_PACKET, kAlg, kVsock, kXdp},
                      {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET}) ||
         opens_socket(attacker, {AF_INET, AF_INET6}, {SOCK_RAW, SOCK_SEQPACKET});
}

// Refused by nobody listening there is reached all the same.
bool is_reached(long result) {
  return result >= 0 || result == -ECONNREFUSED || result == -EISCONN || result == -EINPROGRESS;
}

bool connect(Attacker& attacker) {
  return any_socket(attacker, [](Attacker& a, std::uint64_t fd) {
    const sockaddr_in address = some_address(INADDR_LOOPBACK);
    const long connected = a.call(SYS_connect, {fd, a.object(address), sizeof address});
    a.forget_data();
    return is_reached(connected);
  });
}

// A service of this host that mail has nothing to do with.
bool connect_to_any_port(Attacker& attacker) {
  const long fd = attacker.call(SYS_socket, {AF_INET, SOCK_STREAM, 0});
  if (fd < 0) return false;
  const sockaddr_in address = some_address(INADDR_LOOPBACK);
  const bool reached = is_reached(
      attacker.call(SYS_connect, {static_cast<std::uint64_t>(fd), attacker.object(address), sizeof address}));
  attacker.call(SYS_close, {static_cast<std::uint64_t>(fd)});
  return reached;
}

// TCP Fast Open connects a socket that only listens, or is not connected any more.
bool connect_by_sending(Attacker& attacker) {
  for (const int fd : attacker.network_sockets()) {
    const sockaddr_in address = some_address(INADDR_LOOPBACK);
    const std::uint64_t there = attacker.object(address);
    const long sent =
        attacker.call(SYS_sendto, {static_cast<std::uint64_t>(fd), there, 0,
                                   MSG_FASTOPEN | MSG_NOSIGNAL | MSG_DONTWAIT, there, sizeof address});
    if (sent == -ECONNREFUSED || sent == -EINPROGRESS) return true;
  }
  return false;
}

bool bind(Attacker& attacker) {
  return any_socket(attacker, [](Attacker& a, std::uint64_t fd) {
    const sockaddr_in address = some_address(INADDR_ANY);
    const long bound = a.call(SYS_bind, {fd, a.object(address), sizeof address});
    a.forget_data();
    return bound >= 0 || bound == -EINVAL ||
           a.succeeds(SYS_listen, {fd, 1});  // EINVAL: it has an address already
  });
}

bool accept(Attacker& attacker) {
  return any_socket(attacker, [](Attacker& a, std::uint64_t fd) {
    const long accepted = a.call(SYS_accept4, {fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC});
    if (accepted >= 0) a.call(SYS_close, {static_cast<std::uint64_t>(accepted)});
    return accepted >= 0 || accepted == -EAGAIN;
  });
}

bool make_socket_pair(Attacker& attacker) {
  const std::uint64_t pair = attacker.data(std::string(8, '\0'));
  return attacker.succeeds(SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, pair});
}

bool set_socket_options(Attacker& attacker) {
  return any_socket(attacker, [](Attacker& a, std::uint64_t fd) {
    const std::uint64_t on = a.object(1);
    const bool set = a.succeeds(SYS_setsockopt, {fd, SOL_SOCKET, SO_KEEPALIVE, on, sizeof(int)});
    a.forget_data();
    return set;
  });
}

// The log pipe belongs to all processes of that name: who makes it block holds them all up.
bool make_log_block(Attacker& attacker) {
  const long flags = attacker.call(SYS_fcntl, {2, F_GETFL});
  if (flags < 0 ||
      !attacker.succeeds(SYS_fcntl,
                         {2, F_SETFL, static_cast<std::uint64_t>(flags) & ~std::uint64_t{O_NONBLOCK}}))
    return false;
  attacker.call(SYS_fcntl, {2, F_SETFL, static_cast<std::uint64_t>(flags)});
  return true;
}

bool change_pipe_size(Attacker& attacker) {
  const long size = attacker.call(SYS_fcntl, {2, F_GETPIPE_SZ});
  return size > 0 && attacker.succeeds(SYS_fcntl, {2, F_SETPIPE_SZ, static_cast<std::uint64_t>(size)});
}

bool control_devices(Attacker& attacker) {
  constexpr std::uint64_t kNumberOfReadableOctets = 0x541b;  // FIONREAD
  return attacker.succeeds(SYS_ioctl, {2, kNumberOfReadableOctets, attacker.data(std::string(8, '\0'))});
}

constexpr Primitive kPrimitives[] = {
    {"open-tcp-socket", open_tcp_socket},
    {"open-udp-socket", open_udp_socket},
    {"open-local-socket", open_local_socket},
    {"open-other-socket", open_other_socket},
    {"connect-to-any-port", connect_to_any_port},
    {"connect", connect},
    {"connect-by-sending", connect_by_sending},
    {"bind", bind},
    {"accept", accept},
    {"make-socket-pair", make_socket_pair},
    {"set-socket-options", set_socket_options},
    {"make-log-block", make_log_block},
    {"change-pipe-size", change_pipe_size},
    {"control-devices", control_devices},
};

}  // namespace

std::span<const Primitive> network_primitives() { return kPrimitives; }

}  // namespace breach
