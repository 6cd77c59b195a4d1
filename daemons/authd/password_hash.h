// Password hashes by crypt(5).  The one door to libcrypt.  Slow on purpose: called in the threads of
// event::ThreadPool only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/authd/secret.h"

namespace mailroom::authd {

// Octets of a hash, as crypt(3) bounds them.
inline constexpr std::size_t kMaxHash = 383;

// Octets of a password that libcrypt takes (CRYPT_MAX_PASSPHRASE_SIZE less the NUL); a longer one fits no
// hash.
inline constexpr std::size_t kMaxHashedPassword = 511;

// A complete hash by a method that is still good: yescrypt, gost-yescrypt, scrypt, bcrypt, sha512-crypt,
// sha256-crypt.
bool is_acceptable_hash(std::string_view hash);

// Whether the password has this hash; compared in constant time.
[[nodiscard]] bool matches(const Secret& password, const std::string& hash);

// A new yescrypt hash with a random salt.  Nothing when libcrypt refuses the cost (1 to 11) or the
// password is too long.
[[nodiscard]] std::optional<std::string> make_hash(const Secret& password, std::uint32_t cost);

}  // namespace mailroom::authd
