// HMAC (RFC 2104) and PBKDF2 (RFC 8018 5.2) with the hash functions that SCRAM names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom {

// SHA-1 is good enough in these two constructions (RFC 6194 section 3), and nowhere else.
enum class Hash : std::uint8_t { sha1, sha256 };

constexpr std::size_t size_of(Hash hash) { return hash == Hash::sha1 ? 20 : 32; }

// Each gives size_of(hash) octets.
std::string digest(Hash hash, std::string_view bytes);
std::string hmac(Hash hash, std::string_view key, std::string_view bytes);
// Slow on purpose, in proportion to `iterations`.
std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt, std::uint32_t iterations);

}  // namespace mailroom
