// What can be asked of the DNS.
#pragma once

#include <compare>
#include <string>

#include "libcommon/dns/records.h"

namespace mailroom::dns {

struct Question {
  Type type = Type::a;
  std::string name;
  auto operator<=>(const Question&) const = default;
};

// Whether `type` is one of Type's values: they are not all numbers up to the last, and a channel's peer sends
// any.
bool is_known(Type type);

// The name whose PTR records say an address's names: "1.2.0.192.in-addr.arpa" (RFC 1035 3.5), nibbles below
// ip6.arpa (RFC 3596 2.5).
std::string reverse_name(const IpAddress& address);

// The name of a service's TLSA records: "_25._tcp.HOST" (RFC 6698 3).
std::string tlsa_name(std::uint16_t port, const std::string& host);

}  // namespace mailroom::dns
