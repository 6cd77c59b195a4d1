// How much is logged: a line is written when its event's level is at most the configured one.
#pragma once

#include <cstdint>

namespace mailroom {

enum class LogLevel : std::uint8_t { error, warning, info, debug, kLast = debug };

}  // namespace mailroom
