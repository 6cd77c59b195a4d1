// Which way mail for a domain goes, before the DNS is asked.  Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/routing/fixed_route.h"
#include "libcommon/sys/ip_network.h"

namespace mailroom::routing {

// What routing knows of this system.
struct Site {
  std::string hostname;
  std::vector<std::string> domains;  // local ones
  std::vector<FixedRoute> routes;
  std::vector<IpAddress> own;  // where it takes mail from strangers, with the port
  std::vector<IpNetwork>
      allowed;                 // addresses there may be connected to although they are private or loopback
  std::uint16_t mx_port = 25;  // RFC 5321 4.5.4.2

  // Whether mail sent to that address comes back here.  Where an operator allows a network of which this
  // system has addresses itself, the port counts too.
  bool is_own(const IpAddress& address) const;
};

enum class Way : std::uint8_t {
  local,    // the domain has become one of ours
  fixed,    // by a route of an operator
  mx,       // by the DNS (RFC 5321 5.1)
  literal,  // "[192.0.2.1]": to that address (RFC 5321 4.1.3)
};

struct Route {
  Way way = Way::mx;
  std::string domain;  // as it was given, in lower case
  FixedRoute fixed;    // of way fixed: what the operator has written
  auto operator<=>(const Route&) const = default;
};

// The most exact fixed route counts: DOMAIN, then .PARENT from the longest on, then *.  An address literal
// follows no fixed route but that of *.
Route route_for(std::string_view domain, const Site& site);

// Names where the route leads: messages with the same key share connections, limits and waiting times.
// Domains of one fixed target have one key: "smtp:mail.example.org:25", "lmtp:unix:lists", "example.org",
// "[192.0.2.1]".
std::string destination_key(const Route& route);

}  // namespace mailroom::routing
