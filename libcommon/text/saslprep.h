// SASLprep (RFC 4013): the one form of a password that may be typed in several.  With charset.h and idna.h
// the door to ICU.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailroom {

// Loads what the conversion needs, and has ICU wipe the memory that it frees.  Call once at start, before any
// sandbox and any other use of ICU.
void prepare_saslprep();

// The prepared form of a stored string (RFC 3454 7: without unassigned code points).  Nothing for what has
// none: malformed UTF-8, control characters, what is not meant to be in text, mixed directions.  No copy is
// left but the result.
std::optional<std::string> saslprep(std::string_view text);

}  // namespace mailroom
