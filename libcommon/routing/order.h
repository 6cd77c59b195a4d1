// From what the DNS says of a mail domain to the hosts to try, in order.  Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "libcommon/dns/records.h"
#include "libcommon/routing/next_hop.h"
#include "libcommon/routing/route.h"
#include "libcommon/routing/transport.h"

namespace mailroom::routing {

// Of one destination; RFC 5321 5.1 asks for at least two addresses.
inline constexpr std::size_t kMaxHops = 10;
inline constexpr std::size_t kMaxAddresses = 20;

// A host that the transport policy leaves out, for the reports of RFC 8460.
struct LeftOut {
  std::string host;
  std::size_t before = 0;  // so many hops of the plan are tried before its turn would be
  TlsReason reason = TlsReason::default_policy;
  std::string result;  // RFC 8460 4.3; empty: no business of that report
  std::string words;
  auto operator<=>(const LeftOut&) const = default;
};

// Why there is no way.
struct NoWay {
  bool permanent = false;
  std::string enhanced;           // RFC 3463
  std::string text;               // for people
  std::vector<LeftOut> left_out;  // of an MX domain
  auto operator<=>(const NoWay&) const = default;
};

struct Plan {
  Protocol protocol = Protocol::smtp;
  std::vector<NextHop> hops;  // never empty
  bool authenticate = false;
  std::uint32_t route = 0;        // route_ticket of the fixed route whose credentials are asked for; 0: none
  std::vector<LeftOut> left_out;  // of an MX domain
};
using Planned = std::expected<Plan, NoWay>;

// Whether mail may go to one host of the domain, and what TLS must prove to it.
using TransportOf = std::function<Transport(const dns::MailHost&)>;

// The hosts of an MX domain: by preference, in random order within one, which `random` decides.  If this
// system is among them, it and all hosts of the same or a greater preference are left out (RFC 5321 5.1), and
// likewise every address that must never be connected to.  Hosts that the transport policy excludes are left
// out; when none is left for that reason, there is no way for now.
Planned plan_for_domain(const std::string& domain, const dns::MailHosts& found, const Site& site,
                        const TransportOf& transport, std::uint64_t random);

// "[192.0.2.1]", "[IPv6:2001:db8::1]".
Planned plan_for_literal(const std::string& domain, const Site& site, SenderTls sender);

// A fixed route; `found` are the addresses of its host, and are not looked at when the host is numeric or a
// Unix socket.  An operator may name any address.
bool needs_lookup(const FixedRoute& route);
Planned plan_for_fixed(const FixedRoute& route, const dns::MailHosts& found, SenderTls sender);

}  // namespace mailroom::routing
