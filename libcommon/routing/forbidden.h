// Addresses that mail which follows the DNS must never go to (SECURITY.md V18): what an MX record says is
// said by a stranger.  Pure.
#pragma once

#include <string>
#include <vector>

#include "libcommon/sys/ip_address.h"
#include "libcommon/sys/ip_network.h"

namespace mailroom::routing {

// Why never; null: it may be connected to.  Unspecified, loopback, link-local, private, shared (RFC 6598),
// unique local, multicast, reserved and broadcast addresses, and IPv6 addresses that hold such an IPv4
// address (RFC 4291 2.5.5, RFC 3056, RFC 6052), unless they are in one of the networks an operator allows.
const char* why_forbidden(const IpAddress& address, const std::vector<IpNetwork>& allowed);

}  // namespace mailroom::routing
