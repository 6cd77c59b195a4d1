// The names of a login, however a client spells them.
#pragma once

#include <ctime>
#include <span>
#include <string>

#include "libcommon/policy/login_name.h"

namespace mailroom::authd {

// The one name under which all spellings count, and have their salt, whether there is such an account or not;
// empty for what no account can be called.
inline std::string counted_name(std::string_view text, std::span<const std::string> domains) {
  auto candidates = policy::login_candidates(text, domains);
  return candidates.empty() ? "" : std::move(candidates.back());
}

// Seconds since 1970.
inline std::uint64_t wall_clock() { return static_cast<std::uint64_t>(::time(nullptr)); }

}  // namespace mailroom::authd
