// Queue ids: 64-bit numbers that are given out once, and their printable form in replies, Received lines,
// logs, file names and tools.
//
// Ids grow, and begin at each start above both the highest id in the log and the time in units of 2^-20
// seconds since 1970.  The second bound keeps ids that were given out before from being given out again, when
// they never reached the disk, when their segments are gone, or when the queue directory was emptied: a
// mailbox recognises repeats by id, so an id used twice would lose a message.  It holds as long as fewer than
// a million ids are given out in a second, however soon a start follows another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::queue {

using Id = std::uint64_t;

inline constexpr std::size_t kMaxIdText = 13;

// Lower-case base 32 without i, l, o and u (Crockford's digits), without leading zeros: "1ms4d6k0000".
std::string id_text(Id id);

// The exact inverse; nothing for any other spelling.
std::optional<Id> parse_id(std::string_view text);

// The first id to give out at a start.
Id first_id(Id highest_seen, std::uint64_t microseconds_since_1970);

}  // namespace mailroom::queue
