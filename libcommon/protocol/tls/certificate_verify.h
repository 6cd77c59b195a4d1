// What the sides of a TLS 1.3 handshake sign with the keys of their certificates (RFC 8446 4.4.3): 64 spaces,
// words that say which side it is, NUL, and the hash of the transcript.  Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom::tls {

enum class Side : std::uint8_t { server, client };

std::string to_be_signed(Side side, std::string_view transcript_hash);

// Whether they are that, with a hash of 32 or 48 octets (SHA-256, SHA-384).
bool is_to_be_signed(Side side, std::string_view octets);

}  // namespace mailroom::tls
