// MTA-STS (RFC 8461): what a domain says of the TLS of its mail hosts.  Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::routing {

enum class StsMode : std::uint8_t { none, testing, enforce, kLast = enforce };

struct StsPolicy {
  StsMode mode = StsMode::none;
  std::vector<std::string> mx;  // patterns in lower case: "mx.example.org", "*.example.org"
  std::uint32_t max_age = 0;    // seconds
  auto operator<=>(const StsPolicy&) const = default;
};

inline constexpr std::size_t kMaxStsPolicy = 64 * 1024;     // octets of a policy file (RFC 8461 3.3)
inline constexpr std::size_t kMaxStsMx = 100;               // patterns of one policy
inline constexpr std::size_t kMaxStsLabel = 32;             // letters and digits of an id (RFC 8461 3.1)
inline constexpr std::uint32_t kMaxStsMaxAge = 31'557'600;  // seconds (RFC 8461 3.2)

// The id of the record among the TXT records of _mta-sts.DOMAIN; nothing when there is none, more than one,
// or it is malformed: the domain has no policy then (RFC 8461 3.1).
std::optional<std::string> sts_label(const std::vector<std::string>& texts);

// A policy file (RFC 8461 3.2); the error says in words what is wrong with it.
std::expected<StsPolicy, std::string> parse_sts_policy(std::string_view file);

// "*" stands for exactly the leftmost label (RFC 8461 4.1).
bool sts_pattern_matches(std::string_view pattern, std::string_view host);
bool sts_allows(const StsPolicy& policy, std::string_view host);

}  // namespace mailroom::routing
