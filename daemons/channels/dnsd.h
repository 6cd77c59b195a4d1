// dnsd answers questions about the DNS, validated; nothing else in the system speaks DNS.
//
// Askers give each question a number; answers come in any order.  Every question is answered, within
// dnsd.timeout.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>

#include "libcommon/dns/records.h"

namespace mailroom {

using DnsQuestionId = std::uint64_t;

struct LookUp {
  DnsQuestionId question = 0;
  dns::Type type = dns::Type::a;
  std::string name;  // for ptr: the address is in `address`, and this is empty
  IpAddress address;
  static auto fields(auto& m) { return std::tie(m.question, m.type, m.name, m.address); }
};
// The MX of a domain, and addresses, TLSA records and MTA-STS label of each host.
struct FindMailHosts {
  DnsQuestionId question = 0;
  std::string domain;
  bool fixed = false;       // `domain` is a host to go to, without looking at MX records
  std::uint16_t port = 25;  // for the TLSA name (_25._tcp)
  static auto fields(auto& m) { return std::tie(m.question, m.domain, m.fixed, m.port); }
};
using AskerToDnsd = std::variant<LookUp, FindMailHosts>;

struct LookedUp {
  DnsQuestionId question = 0;
  dns::Answer answer;
  static auto fields(auto& m) { return std::tie(m.question, m.answer); }
};
struct MailHostsFound {
  DnsQuestionId question = 0;
  dns::MailHosts found;
  static auto fields(auto& m) { return std::tie(m.question, m.found); }
};
using DnsdToAsker = std::variant<LookedUp, MailHostsFound>;

}  // namespace mailroom
