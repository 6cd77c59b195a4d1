// An IPv4 or IPv6 address with a port, as a value that can cross channels.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace mailroom {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 as ::ffff:a.b.c.d
  std::uint16_t port = 0;                // host order

  auto operator<=>(const IpAddress&) const = default;
  static auto fields(auto& m) { return std::tie(m.bytes, m.port); }

  bool is_v4() const;
  // "192.0.2.1" or "2001:db8::1"; an IPv4-mapped address is written as IPv4.
  std::string text() const;
  // As an SMTP address literal without brackets: "192.0.2.1" or "IPv6:2001:db8::1" (RFC 5321 4.1.3).
  std::string literal() const;
  // The same host whatever the port; IPv6 hosts are counted by their /64 (SECURITY.md V11).
  IpAddress host_for_limits() const;
};

// Nothing for a family other than AF_INET and AF_INET6.
std::optional<IpAddress> ip_address_of(const sockaddr_storage& address);

// The address of a socket's peer; nothing if it has none or is not an Internet socket.
std::optional<IpAddress> peer_of(int socket);

// "192.0.2.1:25", "[2001:db8::1]:25"; no names.
std::optional<IpAddress> parse_ip_and_port(std::string_view text);

// Returns the length used of `into`.
socklen_t to_sockaddr(const IpAddress& address, sockaddr_storage& into);

}  // namespace mailroom
