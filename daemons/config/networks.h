// Keys whose values are networks: NETWORK ..., in as many directives as one likes.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <vector>

#include "libcommon/config/schema.h"
#include "libcommon/sys/ip_network.h"

namespace mailroom::config {

template <typename C, std::vector<IpNetwork> C::*Member>
Result set_networks(C& config, Values values) {
  for (const auto& value : values) {
    const auto network = parse_ip_network(value);
    if (!network) return std::unexpected(fmt::format("\"{}\" is not a network", value));
    (config.*Member).push_back(*network);
  }
  return {};
}

template <typename C, std::vector<IpNetwork> C::*Member>
std::vector<std::string> show_networks(const C& config) {
  std::vector<std::string> lines;
  for (const IpNetwork& network : config.*Member) lines.push_back(network.text());
  return lines;
}

// The kind of a key for that member of C.
template <typename C, std::vector<IpNetwork> C::*Member>
inline constexpr Custom<C> kNetworks{"NETWORK ...", Occurs::repeatedly, set_networks<C, Member>,
                                     show_networks<C, Member>};

}  // namespace mailroom::config
