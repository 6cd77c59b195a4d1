// What the sender of a message asks of the TLS that it goes over (RFC 8689).
#pragma once

#include <cstdint>

namespace mailroom::routing {

enum class SenderTls : std::uint8_t {
  unspecified,
  required,  // REQUIRETLS (RFC 8689 2)
  optional,  // TLS-Required: No (RFC 8689 3): what the domain publishes is not looked at
  kLast = optional
};

}  // namespace mailroom::routing
