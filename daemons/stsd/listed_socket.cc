#include "daemons/stsd/listed_socket.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace mailroom::stsd {

int open_listed_socket(const Listed& listed, const sockaddr& to, socklen_t size) {
  sockaddr_storage whole{};
  std::memcpy(&whole, &to, std::min<std::size_t>(size, sizeof whole));
  const auto address = ip_address_of(whole);
  if (!address || address->port != listed.port) return -1;
  if (std::ranges::find(listed.addresses, address->bytes, &IpAddress::bytes) == listed.addresses.end())
    return -1;
  return ::socket(to.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
}

}  // namespace mailroom::stsd
