#include "daemons/queued/site.h"

#include <algorithm>

namespace mailroom::queued {
namespace {

bool is_unspecified(const IpAddress& address) {
  const auto begin = address.bytes.begin() + (address.is_v4() ? 12 : 0);
  return std::all_of(begin, address.bytes.end(), [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace

routing::Site site_of(const Config& config, const std::vector<IpAddress>& interfaces) {
  routing::Site site{.hostname = config.hostname,
                     .domains = config.domains,
                     .routes = config.routes,
                     .own = {},
                     .allowed = config.routing.allow_network,
                     .mx_port = static_cast<std::uint16_t>(config.routing.mx_port)};
  for (const ListenerConfig& listener : config.listeners) {
    if (listener.service != Service::mx) continue;
    if (!is_unspecified(listener.address)) {
      site.own.push_back(listener.address);
      continue;
    }
    for (const IpAddress& interface : interfaces)
      site.own.push_back({interface.bytes, listener.address.port});
  }
  return site;
}

}  // namespace mailroom::queued
