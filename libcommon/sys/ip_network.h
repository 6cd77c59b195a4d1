// A range of IP addresses: "192.0.2.0/24", "2001:db8::/32", one address without a length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "libcommon/sys/ip_address.h"

namespace mailroom {

struct IpNetwork {
  IpAddress base;           // the port is 0, the bits beyond `bits` are 0
  std::uint8_t bits = 128;  // of the 128; an IPv4 network has at least 96

  bool contains(const IpAddress& address) const;
  std::string text() const;
  auto operator<=>(const IpNetwork&) const = default;
  static auto fields(auto& m) { return std::tie(m.base, m.bits); }
};

// The network of `bits` that the address lies in.
IpNetwork network_of(const IpAddress& address, unsigned bits);

// Nothing when bits beyond the length are set: who wrote it meant something else.
std::optional<IpNetwork> parse_ip_network(std::string_view text);

}  // namespace mailroom
