// The one door by which libcurl comes to a socket: it can connect nowhere else, whatever it reads out of a
// host name, a cache or a response.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "libcommon/sys/ip_address.h"

namespace mailroom::stsd {

// Where one request may go; the port is that of all of them.
struct Listed {
  std::vector<IpAddress> addresses;
  std::uint16_t port = 0;
};

// A TCP socket for `to` that does not block; the caller owns it.  -1 when `to` is not listed.
int open_listed_socket(const Listed& listed, const sockaddr& to, socklen_t size);

}  // namespace mailroom::stsd
