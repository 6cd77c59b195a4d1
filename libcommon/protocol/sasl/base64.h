// Base64 as SASL exchanges carry it (RFC 4648 section 4): padded, no line breaks, no stray characters, and
// unused bits zero, so that one octet string has one form.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailroom::sasl {

std::string base64_encode(std::string_view octets);

// Nothing for anything that base64_encode would not have written.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace mailroom::sasl
