#include "libcommon/routing/route.h"

#include <algorithm>

#include "libcommon/text/ascii.h"

namespace mailroom::routing {
namespace {

constexpr std::string_view kProtocolNames[] = {"smtp", "smtps", "lmtp"};
constexpr std::string_view kLevelNames[] = {"never", "may", "encrypt", "dane", "certificate"};

const FixedRoute* route_of(std::string_view pattern, const Site& site) {
  const auto found = std::ranges::find(site.routes, pattern, &FixedRoute::domain);
  return found == site.routes.end() ? nullptr : &*found;
}

const FixedRoute* fixed_route(std::string_view domain, const Site& site) {
  if (!domain.starts_with('[')) {
    if (const auto* exact = route_of(domain, site)) return exact;
    for (auto dot = domain.find('.'); dot != domain.npos; dot = domain.find('.', dot + 1))
      if (const auto* parent = route_of(domain.substr(dot), site)) return parent;
  }
  return route_of("*", site);
}

}  // namespace

bool Site::is_own(const IpAddress& address) const {
  const bool by_port =
      std::ranges::any_of(allowed, [&](const IpNetwork& network) { return network.contains(address); });
  return std::ranges::any_of(own, [&](const IpAddress& mine) {
    return mine.bytes == address.bytes && (!by_port || mine.port == address.port);
  });
}

Route route_for(std::string_view domain, const Site& site) {
  Route route{.domain = lower_case(domain), .fixed = {}};
  if (std::ranges::find(site.domains, route.domain) != site.domains.end()) {
    route.way = Way::local;
  } else if (const FixedRoute* fixed = fixed_route(route.domain, site)) {
    route.way = Way::fixed;
    route.fixed = *fixed;
  } else if (route.domain.starts_with('[')) {
    route.way = Way::literal;
  }
  return route;
}

std::string fixed_target(const FixedRoute& route) {
  const std::string protocol{kProtocolNames[static_cast<unsigned>(route.protocol)]};
  if (route.is_unix_socket()) return protocol + ":unix:" + route.host;
  const bool is_v6 = route.host.find(':') != std::string::npos;
  return protocol + ':' + (is_v6 ? '[' + route.host + ']' : route.host) + ':' + std::to_string(route.port);
}

// FNV-1a: an operator writes these, nobody searches for two that are alike.
std::uint32_t route_ticket(const FixedRoute& route) {
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : route.domain + ' ' + fixed_target(route))
    hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
  return hash == 0 ? 1 : hash;
}

std::string destination_key(const Route& route) {
  if (route.way != Way::fixed) return route.domain;
  const FixedRoute& fixed = route.fixed;
  std::string key = fixed_target(fixed);
  if (fixed.is_unix_socket()) return key;
  // Connections of different proofs or credentials are not shared.
  if (fixed.tls != TlsLevel::may) key += ':' + std::string{kLevelNames[static_cast<unsigned>(fixed.tls)]};
  if (fixed.authenticate) key += ":auth-" + fixed.domain;
  return key;
}

}  // namespace mailroom::routing
