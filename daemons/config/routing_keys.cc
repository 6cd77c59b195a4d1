// Routing: where mail that leaves may go.
#include "daemons/config/networks.h"
#include "daemons/config/tables.h"

namespace mailroom::config {

namespace {

using R = RoutingConfig;

constexpr Key<R> kRoutingKeys[] = {
    {"allow-network", kNetworks<R, &R::allow_network>, Reload::at_once,
     "Addresses that the DNS may lead mail to although they are private, loopback or otherwise no addresses "
     "of the "
     "Internet: 10.1.0.0/16. Fixed routes need no leave."},
    {"mx-port", Number<R>{&R::mx_port, 1, 65'535}, Reload::at_once,
     "The port of the hosts that the DNS names for a domain. Other than 25 only for tests."},
};

}  // namespace

std::span<const Key<RoutingConfig>> routing_keys() { return kRoutingKeys; }

}  // namespace mailroom::config
