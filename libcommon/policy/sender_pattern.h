// What an account may send as:
//
//   pattern = local "@" domain   ; an address and its details
//           / local "@"          ; the same at every local domain
//           / "@" domain         ; all of a domain
//           / "*"
//
// One canonical form each: lower case.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "libcommon/policy/address.h"

namespace mailroom::policy {

inline constexpr std::string_view kAnySender = "*";

using DomainSet = std::set<std::string, std::less<>>;

// Nothing for what is no pattern that an operator may give: "local@" follows from names and aliases alone.
[[nodiscard]] std::optional<std::string> canonical_sender_pattern(std::string_view text);

// Whether the address is one that the pattern allows.  `delimiters` is a set of characters.
bool matches_sender_pattern(const Address& address, std::string_view pattern, std::string_view delimiters,
                            const DomainSet& local_domains);

}  // namespace mailroom::policy
