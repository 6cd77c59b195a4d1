#include "libcommon/sys/ip_network.h"

#include <charconv>

namespace mailroom {
namespace {

constexpr unsigned kBits = 128;
constexpr unsigned kV4Prefix = 96;  // of an IPv4-mapped address

// The octet at `index` of a mask of `bits` ones.
std::uint8_t mask_octet(unsigned bits, unsigned index) {
  const unsigned before = index * 8;
  if (bits >= before + 8) return 0xff;
  if (bits <= before) return 0;
  return static_cast<std::uint8_t>(0xff << (8 - (bits - before)));
}

std::optional<IpAddress> parse_address(std::string_view text) {
  const bool is_v6 = text.find(':') != std::string_view::npos;
  auto address = parse_ip_and_port(is_v6 ? "[" + std::string{text} + "]:1" : std::string{text} + ":1");
  if (address) address->port = 0;
  return address;
}

}  // namespace

bool IpNetwork::contains(const IpAddress& address) const {
  for (unsigned i = 0; i < base.bytes.size(); ++i)
    if ((address.bytes[i] & mask_octet(bits, i)) != base.bytes[i]) return false;
  return true;
}

std::string IpNetwork::text() const {
  const bool is_v4 = base.is_v4() && bits >= kV4Prefix;
  return base.text() + "/" + std::to_string(is_v4 ? bits - kV4Prefix : bits);
}

IpNetwork network_of(const IpAddress& address, unsigned bits) {
  IpNetwork network{{address.bytes, 0}, static_cast<std::uint8_t>(bits)};
  for (unsigned i = 0; i < network.base.bytes.size(); ++i) network.base.bytes[i] &= mask_octet(bits, i);
  return network;
}

std::optional<IpNetwork> parse_ip_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto base = parse_address(text.substr(0, slash));
  if (!base) return std::nullopt;
  unsigned bits = kBits;
  if (slash != text.npos) {
    const std::string_view length = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
    if (error != std::errc{} || end != length.data() + length.size()) return std::nullopt;
    if (base->is_v4()) bits += kV4Prefix;
    if (bits > kBits) return std::nullopt;
  }
  const IpNetwork network{*base, static_cast<std::uint8_t>(bits)};
  if (!network.contains(*base)) return std::nullopt;
  return network;
}

}  // namespace mailroom
