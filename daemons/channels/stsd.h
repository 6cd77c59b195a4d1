// stsd speaks HTTPS for policyd: fetches MTA-STS policies (RFC 8461 3.3), and posts reports on TLS (RFC 8460
// 3).  It is given the addresses, and knows no DNS.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "libcommon/sys/ip_address.h"

namespace mailroom {

inline constexpr std::size_t kMaxWebAddresses = 8;
inline constexpr std::size_t kMaxPostedReport = 40 * 1024;
// At the same time; one more has failed at once.  Apart, so that no report to a slow server keeps a policy
// from being fetched.
inline constexpr std::size_t kMaxStsFetches = 20;
inline constexpr std::size_t kMaxReportPosts = 20;

struct FetchStsFile {  // https://mta-sts.DOMAIN/.well-known/mta-sts.txt
  std::uint64_t question = 0;
  std::string domain;                // in A-labels, lower case
  std::vector<IpAddress> addresses;  // of mta-sts.DOMAIN, without port; at most kMaxWebAddresses
  static auto fields(auto& m) { return std::tie(m.question, m.domain, m.addresses); }
};
struct PostTlsReport {  // to https://HOST/PATH, as tlsrpt::kReportType
  std::uint64_t question = 0;
  std::string host;                  // as that of tlsrpt::WebTarget
  std::string path;                  // likewise
  std::vector<IpAddress> addresses;  // of the host, without port; at most kMaxWebAddresses
  std::string report;                // at most kMaxPostedReport octets
  static auto fields(auto& m) { return std::tie(m.question, m.host, m.path, m.addresses, m.report); }
};
using PolicydToStsd = std::variant<FetchStsFile, PostTlsReport>;

struct StsFileFetched {
  std::uint64_t question = 0;
  std::string file;     // as it came, at most routing::kMaxStsPolicy octets; not looked at
  std::string result;   // empty: it was fetched; else the result type of RFC 8460 4.3.2.2
  std::string problem;  // in words
  static auto fields(auto& m) { return std::tie(m.question, m.file, m.result, m.problem); }
};
struct TlsReportPosted {
  std::uint64_t question = 0;
  std::string problem;  // in words; empty: the server has it (HTTP status 2xx)
  static auto fields(auto& m) { return std::tie(m.question, m.problem); }
};
using StsdToPolicyd = std::variant<StsFileFetched, TlsReportPosted>;

}  // namespace mailroom
