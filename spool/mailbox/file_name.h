// The name of a message file in new/ and cur/:  ID,S=LENGTH,C=CHECKSUM
//
//   ID        names the message once and for all: the delivery id (queue id, '.', recipient number) of what
//             deliverd dropped, or '~' and 16 hex digits for what a session appended.
//   LENGTH    octets of the file, decimal, no leading zeros
//   CHECKSUM  CRC-32C of the file, 8 lower-case hex digits
//
// A file whose content does not match its name is unfinished or damaged, and is never taken in.  While it is
// being written a file has a name that begins with '.', which sessions ignore and remove after kStaleSeconds.
// Called by deliverd (new/) and the mailbox library.  Pure; formatting and parsing are exact inverses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::mailbox {

// Longest id.  With the rest of the name well below NAME_MAX (255).
inline constexpr std::size_t kMaxIdLength = 100;

// No message that queued or a session accepts is longer; a sparse file could be, and reading it would take
// for ever.
inline constexpr std::uint64_t kMaxMessageLength = std::uint64_t{2} << 30;

// A temporary file older than this belongs to nobody any more (as in qmail).
inline constexpr std::int64_t kStaleSeconds = 36 * 3600;

struct FileName {
  std::string id;
  std::uint64_t length = 0;
  std::uint32_t checksum = 0;
  bool operator==(const FileName&) const = default;
};

// 1 to kMaxIdLength of A-Z a-z 0-9 . _ + -, not beginning with '.'.
bool is_delivery_id(std::string_view id);

// '~' and 16 lower-case hex digits.
bool is_append_id(std::string_view id);

// `name.id` must be a delivery or append id.
std::string format_file_name(const FileName& name);

// Nothing unless `name` is exactly what format_file_name makes of some FileName.
std::optional<FileName> parse_file_name(std::string_view name);

}  // namespace mailroom::mailbox
