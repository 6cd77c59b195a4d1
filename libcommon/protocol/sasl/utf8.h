// Well-formed UTF-8 (RFC 3629): shortest form only, no surrogates, nothing past U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace mailroom {

// Octets of the well-formed sequence at the start of `text`, 1 to 4; 0 if there is none.
std::size_t utf8_sequence_length(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace mailroom
