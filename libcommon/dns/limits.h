// What of the DNS is taken, at most.  Whoever runs a zone chooses how much there is (SECURITY.md V18).
#pragma once

#include <cstddef>

namespace mailroom::dns {

inline constexpr std::size_t kMaxName = 253;       // octets, written (RFC 1035 2.3.4: 255 on the wire)
inline constexpr std::size_t kMaxWireName = 255;   // RFC 1035 2.3.4
inline constexpr std::size_t kMaxLabel = 63;       // RFC 1035 2.3.4
inline constexpr std::size_t kMaxMessage = 65535;  // RFC 1035 4.2.2
inline constexpr std::size_t kMaxAliases = 12;     // CNAMEs after each other

// Of one answer.  More MX are cut after the best; more of anything else, or longer TLSA records, make the
// answer a failed one, since what is left out might be what matters.
inline constexpr std::size_t kMaxMx = 100;
inline constexpr std::size_t kMaxAddresses = 100;
inline constexpr std::size_t kMaxNames = 100;
inline constexpr std::size_t kMaxTexts = 100;
inline constexpr std::size_t kMaxTlsa = 100;
inline constexpr std::size_t kMaxTlsaData =
    16 * 1024;                                 // a whole certificate (RFC 6698 2.1.3 matching type 0)
inline constexpr std::size_t kMaxText = 4096;  // octets of one TXT record; a longer one is left out

// Of one mail domain: what follows after the best is left out.
inline constexpr std::size_t kMaxMailHosts = 20;
inline constexpr std::size_t kMaxHostAddresses = 20;  // of each host and address family
inline constexpr std::size_t kMaxStsTexts = 2;        // two that may be the label are none (RFC 8461 3.1)

// Octets of the TLSA records of all its hosts, the best ones first; one whose records have no room is not to
// be used, as if they could not be looked up.  So a mail domain fits a packet (libcommon/ipc).
inline constexpr std::size_t kMaxDomainTlsa = 24 * 1024;
inline constexpr std::size_t kTlsaFields = 8;  // of each record, beside its data

inline constexpr unsigned kMaxTtl = 86'400;  // seconds that an answer is kept

}  // namespace mailroom::dns
