// What came of connections to the mail hosts of one domain in one day (RFC 8460 4).  Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace mailroom::tlsrpt {

enum class PolicyType : std::uint8_t { none, tlsa, sts, kLast = sts };
std::string_view policy_type_name(PolicyType type);  // "no-policy-found", "tlsa", "sts"

inline constexpr std::size_t kMaxFailureRows =
    50;  // of one domain, day and policy; further kinds count as the last
inline constexpr std::size_t kMaxDetail = 200;  // octets
inline constexpr std::size_t kMaxPolicyLines = 50;

// One kind of failure (RFC 8460 4.4, failure-details).
struct Failure {
  std::string result;  // result-type (4.3)
  std::string mx;      // receiving-mx-hostname; empty: not of one host
  std::string ip;      // receiving-ip; empty: there was no connection
  std::string detail;  // additional-information, in words
  std::uint64_t sessions = 0;

  bool is_like(const Failure& other) const {
    return result == other.result && mx == other.mx && ip == other.ip;
  }
  auto operator<=>(const Failure&) const = default;
  static auto fields(auto& m) { return std::tie(m.result, m.mx, m.ip, m.detail, m.sessions); }
};

struct Tally {
  PolicyType type = PolicyType::none;
  std::vector<std::string> policy;  // policy-string: TLSA records or the lines of the STS policy
  std::vector<std::string> mx;      // mx-host: patterns of the STS policy
  std::uint64_t successes = 0;
  std::uint64_t failed = 0;
  std::vector<Failure> failures;

  void add_success(std::uint64_t sessions = 1) { successes += sessions; }
  void add_failure(Failure failure);  // counts `failure.sessions`
  auto operator<=>(const Tally&) const = default;
  static auto fields(auto& m) { return std::tie(m.type, m.policy, m.mx, m.successes, m.failed, m.failures); }
};

}  // namespace mailroom::tlsrpt
