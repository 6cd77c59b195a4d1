// What PLAIN and LOGIN carry, and the limits both share.
#pragma once

#include <string.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom::sasl {

inline constexpr std::size_t kMaxName = 255;  // octets; a login name is at most an address
inline constexpr std::size_t kMaxPassword =
    1024;  // octets; longer ones are refused before any hashing (SECURITY.md V12)

struct Credentials {
  std::string authzid;  // the identity to act as; empty: the one that follows from authcid
  std::string authcid;  // whose password it is
  std::string password;

  Credentials() = default;
  Credentials(Credentials&&) = default;
  Credentials& operator=(Credentials&&) = default;
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  ~Credentials() { explicit_bzero(password.data(), password.size()); }
};

// Why an exchange gives no credentials.
enum class Fault : std::uint8_t {
  malformed,    // does not follow the mechanism's grammar
  never_valid,  // follows it, but no account can have this name or password: to be answered like a wrong
                // password
};

// A name that an account may have, as far as its octets go: 1 to kMaxName octets of UTF-8 without control
// characters.
bool is_possible_name(std::string_view name);

// 1 to kMaxPassword octets without NUL.  (RFC 4616 asks for UTF-8; passwords set from old clients are not
// always.)
bool is_possible_password(std::string_view password);

}  // namespace mailroom::sasl
