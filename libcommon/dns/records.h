// What the DNS says, as values: records, their validation state, and the hosts of a mail domain.
//
// Names are in lower case, in A-labels (RFC 5890), without the dot at the end.  How much there can be of
// anything is in libcommon/dns/limits.h.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "libcommon/sys/ip_address.h"

namespace mailroom::dns {

// DNSSEC's states (RFC 4035 4.3).  A bogus answer is never shown: it is Outcome::failed.
enum class Security : std::uint8_t { insecure, secure, kLast = secure };

enum class Outcome : std::uint8_t {
  answer,     // there are records
  no_data,    // the name exists, without records of that type
  no_domain,  // NXDOMAIN
  failed,     // SERVFAIL, bogus, no answer in time, answer beyond bounds: nothing is known; try again later
  kLast = failed
};

constexpr const char* outcome_name(Outcome outcome) {
  constexpr const char* kNames[] = {"answer", "no data", "no such domain", "lookup failed"};
  return kNames[static_cast<unsigned>(outcome)];
}

enum class Type : std::uint16_t {
  a = 1,
  cname = 5,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  tlsa = 52,
  kLast = tlsa
};

struct Mx {  // RFC 5321 5.1; an empty exchange is the null MX (RFC 7505)
  std::uint16_t preference = 0;
  std::string exchange;
  auto operator<=>(const Mx&) const = default;
  static auto fields(auto& m) { return std::tie(m.preference, m.exchange); }
};

struct Tlsa {  // RFC 6698 2.1
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  std::string data;
  auto operator<=>(const Tlsa&) const = default;
  static auto fields(auto& m) { return std::tie(m.usage, m.selector, m.matching, m.data); }
};

// The answer to one question.  Of the lists at most one is filled, by the type that was asked for.
struct Answer {
  Outcome outcome = Outcome::failed;
  Security security = Security::insecure;
  std::uint32_t ttl = 0;             // seconds it may be kept, also of "no data"
  std::string canonical_name;        // after CNAMEs; the name itself without one
  std::vector<IpAddress> addresses;  // a, aaaa; the port is 0
  std::vector<std::string> names;    // ptr, cname
  std::vector<Mx> mx;                // ascending by preference
  std::vector<std::string> texts;    // txt: the strings of each record joined
  std::vector<Tlsa> tlsa;
  std::string problem;  // of Outcome::failed, in words: "bogus: signature expired", "no answer from ..."
  static auto fields(auto& m) {
    return std::tie(m.outcome, m.security, m.ttl, m.canonical_name, m.addresses, m.names, m.mx, m.texts,
                    m.tlsa, m.problem);
  }
};

// One host of a mail domain, with all that is needed to speak to it.
struct MailHost {
  std::uint16_t preference = 0;
  std::string name;                        // as the MX names it: the reference identifier of TLS
  std::string canonical_name;              // of its addresses, after CNAMEs (RFC 7672 2.1.3)
  Outcome outcome = Outcome::failed;       // of A and AAAA together
  Security security = Security::insecure;  // of the addresses, secure only if all of the chain is
  std::vector<IpAddress> addresses;        // IPv6 first; the port is 0
  // answer: secure records; failed: the host must not be used (RFC 7672 2.1.2).  No data where nothing secure
  // leads to them: neither all of the way to the addresses, nor an alias at its begin (2.2.2).
  Outcome tlsa_outcome = Outcome::no_data;
  Security tlsa_security = Security::insecure;
  std::string tlsa_base;  // the name the TLSA records were found under, without _25._tcp (RFC 7672 2.2.3)
  std::vector<Tlsa> tlsa;
  std::string problem;
  static auto fields(auto& m) {
    return std::tie(m.preference, m.name, m.canonical_name, m.outcome, m.security, m.addresses,
                    m.tlsa_outcome, m.tlsa_security, m.tlsa_base, m.tlsa, m.problem);
  }
};

// How mail for a domain, or for a fixed host, can go (RFC 5321 5.1, RFC 7672 2.2).
struct MailHosts {
  // no_domain, no_data: nothing can ever be delivered there, as the domain is not there, or has neither MX
  // nor addresses; failed: try again later.
  Outcome outcome = Outcome::failed;
  bool null_mx = false;   // RFC 7505: with Outcome::answer and no hosts
  bool implicit = false;  // no MX: the domain is its own host
  Security mx_security = Security::insecure;
  std::vector<MailHost> hosts;             // ascending by preference, in the order of the answer within one
  std::uint32_t ttl = 0;                   // seconds all of it may be kept
  Outcome sts_outcome = Outcome::no_data;  // of TXT at _mta-sts.DOMAIN (RFC 8461 3.1)
  std::vector<std::string> sts_texts;
  std::string problem;
  static auto fields(auto& m) {
    return std::tie(m.outcome, m.null_mx, m.implicit, m.mx_security, m.hosts, m.ttl, m.sts_outcome,
                    m.sts_texts, m.problem);
  }
};

}  // namespace mailroom::dns
