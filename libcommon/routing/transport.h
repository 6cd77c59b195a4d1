// What TLS must prove to a host before mail goes over it: from what an operator wants, what the domain
// publishes (DANE: RFC 7672, MTA-STS: RFC 8461), and what the sender asks for (RFC 8689).  Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "libcommon/dns/records.h"
#include "libcommon/routing/next_hop.h"
#include "libcommon/routing/sender_tls.h"
#include "libcommon/routing/sts_policy.h"

namespace mailroom::routing {

// What an operator wants for a destination.
enum class TlsWish : std::uint8_t {
  published,    // what the domain publishes, DANE before MTA-STS; without either: opportunistic
  never,        // plaintext
  may,          // opportunistic, whatever is published
  encrypt,      // TLS, and what is published
  dane,         // DANE, or not at all
  certificate,  // a certificate of the system's authorities, for one of the row's names or the host's own; or
                // not at all
  kLast = certificate
};

// tls-policy DOMAIN LEVEL [NAME ...]
struct TlsPolicy {
  std::string domain;  // in lower case: "example.org", ".example.org" (its subdomains)
  TlsWish wish = TlsWish::published;
  std::vector<std::string> names;  // certificate: instead of the host's own name

  auto operator<=>(const TlsPolicy&) const = default;
  static auto fields(auto& m) { return std::tie(m.domain, m.wish, m.names); }
};

// The most exact row counts: DOMAIN, then .PARENT from the longest on, then what holds for all others.
TlsPolicy tls_policy_for(std::string_view domain, const std::vector<TlsPolicy>& rows, TlsWish others);

// Whether mail may go to one host, and over what.
struct Transport {
  enum class Kind : std::uint8_t {
    allowed,   // with `tls`
    excluded,  // never, while the policy is what it is
    unfit,     // the same, for what the sender of this message asks: it is not tried again (RFC 8689 4.2.1)
    deferred,  // not as long as the DNS does not say what must be known
  };
  Kind kind = Kind::allowed;
  TlsRequirement tls;  // of a host that is left out: its reason alone
  std::string words;   // why not: "no usable TLSA records"
  std::string result;  // why not: result type of RFC 8460 4.3, empty where it is no business of that report
  auto operator<=>(const Transport&) const = default;
};

// For one of `hosts.hosts`, the mail hosts of `domain`.  `site` is tls_policy_for(domain).
Transport decide_transport(const std::string& domain, const TlsPolicy& site, const dns::MailHosts& hosts,
                           const dns::MailHost& host, const StsPolicy& sts, SenderTls sender);

// For the host of a fixed route, whose operator has said `level`.
TlsRequirement decide_fixed_transport(const std::string& host, TlsLevel level, SenderTls sender);

// Whether a record can be used in SMTP (RFC 7672 3.1): DANE-TA(2) and DANE-EE(3) with a selector and a
// matching type that RFC 6698 knows, and data of that length, or of the shape of a whole certificate or key.
bool is_usable(const dns::Tlsa& record);

}  // namespace mailroom::routing
