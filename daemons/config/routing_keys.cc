// Routing: where mail that leaves may go.
#include <fmt/format.h>

#include "daemons/config/tables.h"

namespace mailroom::config {

namespace {

using R = RoutingConfig;

Result set_networks(R& config, Values values) {
  for (const auto& value : values) {
    const auto network = parse_ip_network(value);
    if (!network) return std::unexpected(fmt::format("\"{}\" is not a network", value));
    config.allow_network.push_back(*network);
  }
  return {};
}

std::vector<std::string> show_networks(const R& config) {
  std::vector<std::string> lines;
  for (const IpNetwork& network : config.allow_network) lines.push_back(network.text());
  return lines;
}

constexpr Key<R> kRoutingKeys[] = {
    {"allow-network", Custom<R>{"NETWORK ...", Occurs::repeatedly, set_networks, show_networks},
     Reload::at_once,
     "Addresses that the DNS may lead mail to although they are private, loopback or otherwise no addresses "
     "of the "
     "Internet: 10.1.0.0/16. Fixed routes need no leave."},
    {"mx-port", Number<R>{&R::mx_port, 1, 65'535}, Reload::at_once,
     "The port of the hosts that the DNS names for a domain. Other than 25 only for tests."},
};

}  // namespace

std::span<const Key<RoutingConfig>> routing_keys() { return kRoutingKeys; }

}  // namespace mailroom::config
