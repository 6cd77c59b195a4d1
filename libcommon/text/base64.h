// Base 64 (RFC 4648 section 4).
//
// `decode_base64` is for protocols (SASL, RFC 4954, RFC 9051): exact or refused.  `decode_base64_lenient` is
// for mail bodies and encoded words, where RFC 2045 6.8 tells a decoder to ignore what is not in the
// alphabet.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom {

// With padding, on one line.
std::string encode_base64(std::string_view octets);

// In lines of at most 76 characters, each ended by CRLF (RFC 2045 6.8).
std::string encode_base64_lines(std::string_view octets);

// Nothing unless the text is exactly one encoding: length a multiple of four, padding only at the end and as
// long as it has to be, no other octet, unused bits zero.  The empty text is the empty string.
std::optional<std::string> decode_base64(std::string_view text);

// Any text: foreign octets are skipped, the end is the first padding character or the end of the text, and an
// incomplete last group gives the whole octets that it holds.
std::string decode_base64_lenient(std::string_view text);

}  // namespace mailroom
