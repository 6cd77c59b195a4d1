#include "libcommon/sys/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

namespace mailroom {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Each connection is logged with its address: inet_ntop() goes through all of printf() for it.
std::string v4_text(std::span<const std::uint8_t, 4> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (!text.empty()) text += '.';
    text += std::to_string(byte);
  }
  return text;
}

}  // namespace

bool IpAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

std::string IpAddress::text() const {
  if (is_v4()) return v4_text(std::span{bytes}.last<4>());
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
}

std::string IpAddress::literal() const { return is_v4() ? text() : "IPv6:" + text(); }

IpAddress IpAddress::host_for_limits() const {
  IpAddress host{bytes, 0};
  if (!is_v4()) std::fill(host.bytes.begin() + 8, host.bytes.end(), std::uint8_t{0});
  return host;
}

std::optional<IpAddress> ip_address_of(const sockaddr_storage& address) {
  IpAddress result;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), result.bytes.begin());
    std::memcpy(result.bytes.data() + kMappedPrefix.size(), &v4.sin_addr, sizeof v4.sin_addr);
    result.port = ntohs(v4.sin_port);
    return result;
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::memcpy(result.bytes.data(), &v6.sin6_addr, result.bytes.size());
    result.port = ntohs(v6.sin6_port);
    return result;
  }
  return std::nullopt;
}

std::optional<IpAddress> peer_of(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return std::nullopt;
  return ip_address_of(address);
}

std::optional<IpAddress> parse_ip_and_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  IpAddress result;
  const std::string_view digits = text.substr(colon + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  std::string host{text.substr(0, colon)};
  if (host.contains('\0')) return std::nullopt;  // where inet_pton() would end
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    return inet_pton(AF_INET6, host.c_str(), result.bytes.data()) == 1 ? std::optional{result} : std::nullopt;
  }
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), result.bytes.begin());
  if (inet_pton(AF_INET, host.c_str(), result.bytes.data() + kMappedPrefix.size()) != 1) return std::nullopt;
  return result;
}

socklen_t to_sockaddr(const IpAddress& address, sockaddr_storage& into) {
  into = {};
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(into);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.bytes.data() + kMappedPrefix.size(), sizeof v4.sin_addr);
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(into);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  std::memcpy(&v6.sin6_addr, address.bytes.data(), address.bytes.size());
  return sizeof v6;
}

}  // namespace mailroom
