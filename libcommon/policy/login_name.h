// Login names: what an account may be called, and the one form of a name however a client spells it.
//
//   name = part *( "/" part ) [ "@" part ]
//   part = 1*( ALPHA / DIGIT / "." / "+" / "-" / "_" )   ; no "." at either end, no "..", no "-" in front
//
// Letters are compared in lower case.  Every other spelling (blanks, trailing dots, other scripts, "../x") is
// no name at all, and a login with it fails as one with a wrong password does (SECURITY.md V7, V12).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::policy {

// Octets.  A name with "@" is at most an address (RFC 5321 4.5.3.1.3); without, a local part.
inline constexpr std::size_t kMaxLoginName = 254;

// The form under which the name is stored; nothing when no account can be called so.
[[nodiscard]] std::optional<std::string> canonical_login_name(std::string_view text);

// The names that a client may mean, in the order to try: the name itself, and for NAME@DOMAIN of a local
// domain (clients like to log in with the address) NAME.  Empty when no account can be called so.
[[nodiscard]] std::vector<std::string> login_candidates(std::string_view text,
                                                        std::span<const std::string> local_domains);

}  // namespace mailroom::policy
