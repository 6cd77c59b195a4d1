// Limits of an SMTP session that no operator needs to change; those of the configuration are in
// daemons/config.h.
#pragma once

#include <chrono>
#include <cstdint>

namespace mailroom {

inline constexpr unsigned kMaxBadCommands = 10;  // unknown or malformed, then 421 (SECURITY.md V11)
inline constexpr unsigned kMaxFailedLogins = 3;  // then 421 (SECURITY.md section 2)

// How long a content phase may fall behind its least rate before it ends (SECURITY.md V11).
inline constexpr std::chrono::seconds kDataGrace{60};
// How long the rest of refused content is read, so that the client sees the reply and not a reset connection.
inline constexpr std::chrono::seconds kDrainTime{60};
// Octets read and dropped of a message that is too big; more end the connection.
inline constexpr std::uint64_t kMaxDropped = std::uint64_t{64} * 1024 * 1024;

}  // namespace mailroom
