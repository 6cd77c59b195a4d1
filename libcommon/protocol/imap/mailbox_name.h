// Mailbox names: modified UTF-7 on the wire (RFC 3501 section 5.1.3), UTF-8 inside.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/protocol/imap/scanner.h"

namespace mailroom::imap {

// The UTF-8 of a name in modified UTF-7.  Nothing unless the text is *the* encoding of a name: octets above
// 126 or below 32, encoded printable ASCII ("&AC8-" is not a way to write '/'), needless shifts, odd bits,
// unpaired surrogates and encoded controls are all refused, so that one name has one spelling.
std::optional<std::string> decode_mailbox_name(std::string_view modified_utf7);

// The inverse.  Precondition: valid UTF-8 (ill-formed octets become U+FFFD).
std::string encode_mailbox_name(std::string_view utf8);

// Reads a mailbox argument and gives its name in UTF-8.  Fails with `cannot` for text that is no name.  What
// a mailbox may be called, and that INBOX has any case, is the store's business
// (spool/mailbox/folder_name.h).
std::string parse_mailbox(Scanner& in);

}  // namespace mailroom::imap
