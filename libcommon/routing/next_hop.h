// Where a connection may go, and what it must be sure of before mail goes over it.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "libcommon/dns/records.h"
#include "libcommon/sys/ip_address.h"

namespace mailroom::routing {

enum class Protocol : std::uint8_t {
  smtp,   // RFC 5321, STARTTLS when it is offered or required
  smtps,  // the same in TLS from the first octet
  lmtp,   // RFC 2033
  kLast = lmtp
};

// What TLS must prove.  Each includes those before it, but that DANE and a certificate are two ways, not
// steps.
enum class TlsLevel : std::uint8_t {
  never,    // plaintext, by an operator's wish, or over a Unix socket
  may,      // opportunistic: TLS when it is offered, whatever the certificate; plaintext when not or when TLS
            // fails (RFC 7435)
  encrypt,  // TLS, whatever the certificate (RFC 7672 2.2: unusable TLSA records; or an operator's wish)
  dane,     // TLS, certificate by TLSA records (RFC 7672)
  certificate,  // TLS, certificate by the system's authorities for one of the names (RFC 8461, or an
                // operator's wish)
  kLast = certificate
};

// Why it is so, for logs, TLSRPT (RFC 8460 4.2) and mr-queue route.
enum class TlsReason : std::uint8_t {
  default_policy,
  site_policy,
  dane,
  mta_sts,
  requiretls,
  kLast = requiretls
};

struct TlsRequirement {
  TlsLevel level = TlsLevel::may;
  TlsReason reason = TlsReason::default_policy;
  bool requiretls = false;         // RFC 8689: the far side must offer REQUIRETLS too
  std::vector<std::string> names;  // reference identifiers, the first is sent as SNI
  std::vector<dns::Tlsa> tlsa;     // level dane: the usable ones
  bool report_only = false;  // the certificate is looked at as for level certificate, and what is wrong is
                             // only reported (RFC 8461 5, mode testing)
  auto operator<=>(const TlsRequirement&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.level, m.reason, m.requiretls, m.names, m.tlsa, m.report_only);
  }
};

// One host, with addresses in the order to try them.
struct NextHop {
  std::string name;  // for logs and reports; of a Unix socket its path below the relay directory
  std::vector<IpAddress> addresses;  // with the port; empty: `name` is a Unix socket
  TlsRequirement tls;
  static auto fields(auto& m) { return std::tie(m.name, m.addresses, m.tls); }
};

}  // namespace mailroom::routing
