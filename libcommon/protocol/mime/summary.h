// What the mailbox index keeps of a message, so that ENVELOPE, BODYSTRUCTURE, BODY[n] offsets, SORT and
// THREAD open no file.
//
// An opaque blob to the index: one octet of version, then the Message as the codec writes it.  A blob of
// another version, or one that does not hold together, is simply not there: the caller parses the message
// again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libcommon/protocol/mime/message.h"

namespace mailroom::mime {

inline constexpr char kSummaryVersion = 1;

std::string encode_summary(const Message& message);

// Trusts nothing: every range lies within the message, every part is the child of exactly one part before it,
// depth and number of parts are within their limits.
std::optional<Message> decode_summary(std::string_view blob);

}  // namespace mailroom::mime
