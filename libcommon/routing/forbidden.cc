#include "libcommon/routing/forbidden.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace mailroom::routing {
namespace {

struct Range {
  std::array<std::uint8_t, 16> base;
  unsigned bits;
  const char* reason;
};

constexpr Range v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, unsigned bits, const char* reason) {
  return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, 0}, 96 + bits, reason};
}
constexpr Range v6(std::uint8_t a, std::uint8_t b, unsigned bits, const char* reason) {
  return {{a, b}, bits, reason};
}

constexpr const char* kLoopback = "a loopback address";
constexpr const char* kPrivate = "a private address";
constexpr const char* kLinkLocal = "a link-local address";
constexpr const char* kMulticast = "a multicast address";

constexpr Range kRanges[] = {
    v4(0, 0, 0, 8, "no address of a host"),
    v4(10, 0, 0, 8, kPrivate),
    v4(100, 64, 0, 10, "a shared address"),
    v4(127, 0, 0, 8, kLoopback),
    v4(169, 254, 0, 16, kLinkLocal),
    v4(172, 16, 0, 12, kPrivate),
    v4(192, 0, 0, 24, "a reserved address"),
    v4(192, 168, 0, 16, kPrivate),
    v4(198, 18, 0, 15, "an address for measurements"),
    v4(224, 0, 0, 4, kMulticast),
    v4(240, 0, 0, 4, "a reserved or broadcast address"),
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, kLoopback},
    {{}, 128, "no address of a host"},
    v6(0xfc, 0x00, 7, kPrivate),
    v6(0xfe, 0x80, 10, kLinkLocal),
    v6(0xfe, 0xc0, 10, "a site-local address"),
    v6(0xff, 0x00, 8, kMulticast),
};

// Where in an IPv6 address an IPv4 address is, if its prefix says that there is one.
struct Embedding {
  std::array<std::uint8_t, 16> base;
  unsigned bits;
  unsigned at;
};
constexpr Embedding kEmbeddings[] = {
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},  // RFC 6052
    {{0x20, 0x02}, 16, 2},               // RFC 3056
    {{}, 96, 12},                        // RFC 4291 2.5.5.1
};

bool is_in(const IpAddress& address, const std::array<std::uint8_t, 16>& base, unsigned bits) {
  return IpNetwork{{base, 0}, static_cast<std::uint8_t>(bits)}.contains(address);
}

std::optional<IpAddress> embedded(const IpAddress& address) {
  for (const Embedding& form : kEmbeddings) {
    if (!is_in(address, form.base, form.bits)) continue;
    IpAddress v4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, address.port};
    std::copy_n(address.bytes.begin() + form.at, 4, v4.bytes.begin() + 12);
    return v4;
  }
  return {};
}

const char* reason_of(const IpAddress& address) {
  for (const Range& range : kRanges)
    if (is_in(address, range.base, range.bits)) return range.reason;
  return nullptr;
}

}  // namespace

const char* why_forbidden(const IpAddress& address, const std::vector<IpNetwork>& allowed) {
  if (std::ranges::any_of(allowed, [&](const IpNetwork& network) { return network.contains(address); }))
    return nullptr;
  if (const char* reason = reason_of(address)) return reason;
  const auto inner = embedded(address);
  return inner ? reason_of(*inner) : nullptr;
}

}  // namespace mailroom::routing
