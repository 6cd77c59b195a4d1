// Message identifiers (RFC 5322 3.6.4), for Message-ID, In-Reply-To and References.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::rfc5322 {

// Taken from one field; RFC 5322 sets no limit.  SECURITY.md V10: a References field as long as a header may
// be.
inline constexpr std::size_t kMaxMessageIds = 10000;

// The identifiers in their order, each as "left@right" without angle brackets, quotes and comments (RFC 5256
// 3: compared as normalised).  What stands between them, and whatever has no '@', is skipped.
std::vector<std::string> parse_message_ids(std::string_view value);

}  // namespace mailroom::rfc5322
