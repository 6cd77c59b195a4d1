#include "libcommon/dns/question.h"

namespace mailroom::dns {

bool is_known(Type type) {
  switch (type) {
  case Type::a:
  case Type::cname:
  case Type::ptr:
  case Type::mx:
  case Type::txt:
  case Type::aaaa:
  case Type::tlsa:
    return true;
  }
  return false;
}

std::string reverse_name(const IpAddress& address) {
  std::string name;
  if (address.is_v4()) {
    for (std::size_t i = address.bytes.size(); i > 12; --i)
      name += std::to_string(address.bytes[i - 1]) + ".";
    return name + "in-addr.arpa";
  }
  constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = address.bytes.size(); i > 0; --i)
    for (const int nibble : {address.bytes[i - 1] & 15, address.bytes[i - 1] >> 4}) {
      name += kDigits[nibble];
      name += '.';
    }
  return name + "ip6.arpa";
}

std::string tlsa_name(std::uint16_t port, const std::string& host) {
  return "_" + std::to_string(port) + "._tcp." + host;
}

}  // namespace mailroom::dns
