// stsd fetches MTA-STS policies over HTTPS (RFC 8461 3.3) for policyd; it is given the addresses, and knows
// no DNS.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "libcommon/sys/ip_address.h"

namespace mailroom {

inline constexpr std::size_t kMaxStsAddresses = 8;

struct FetchStsFile {  // https://mta-sts.DOMAIN/.well-known/mta-sts.txt
  std::uint64_t question = 0;
  std::string domain;                // in A-labels, lower case
  std::vector<IpAddress> addresses;  // of mta-sts.DOMAIN, without port; at most kMaxStsAddresses
  static auto fields(auto& m) { return std::tie(m.question, m.domain, m.addresses); }
};
using PolicydToStsd = std::variant<FetchStsFile>;

struct StsFileFetched {
  std::uint64_t question = 0;
  std::string file;     // as it came, at most routing::kMaxStsPolicy octets; not looked at
  std::string result;   // empty: it was fetched; else the result type of RFC 8460 4.3.2.2
  std::string problem;  // in words
  static auto fields(auto& m) { return std::tie(m.question, m.file, m.result, m.problem); }
};
using StsdToPolicyd = std::variant<StsFileFetched>;

}  // namespace mailroom
