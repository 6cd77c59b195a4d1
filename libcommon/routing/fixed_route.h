// A way for mail that an operator has written down.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "libcommon/routing/next_hop.h"

namespace mailroom::routing {

struct FixedRoute {
  std::string
      domain;  // in lower case: "example.org", ".example.org" (its subdomains), "*" (all without another)
  Protocol protocol = Protocol::smtp;
  std::string host;        // a name or a numeric address; of a Unix socket its name below the relay directory
  std::uint16_t port = 0;  // 0: a Unix socket
  TlsLevel tls = TlsLevel::may;
  bool authenticate = false;  // logs in with the credentials that are kept for this route

  bool is_unix_socket() const { return port == 0; }
  auto operator<=>(const FixedRoute&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.domain, m.protocol, m.host, m.port, m.tls, m.authenticate);
  }
};

// "smtp:mail.example.org:587", "lmtp:[2001:db8::1]:24", "lmtp:unix:lists": what credentials are kept for.
std::string fixed_target(const FixedRoute& route);

// Names a route whatever stands beside it in the configuration: made from its domain and its target, never 0.
// Two processes of which one has read a newer configuration never mean different routes by it.
std::uint32_t route_ticket(const FixedRoute& route);

}  // namespace mailroom::routing
