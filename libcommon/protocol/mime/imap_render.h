// ENVELOPE, BODY and BODYSTRUCTURE as IMAP responses spell them (RFC 3501 7.4.2, 9).
//
// What comes out is always a valid response, whatever the message holds: text with 8-bit octets, CR or LF
// becomes a literal; NUL, which no string of IMAP may hold, becomes '?'.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libcommon/protocol/mime/message.h"

namespace mailroom::mime {

// "(date subject from sender reply-to to cc bcc in-reply-to message-id)"
void render_envelope(const Envelope& envelope, std::string& out);

enum class BodyForm {
  basic,     // FETCH BODY: without extension data
  extended,  // FETCH BODYSTRUCTURE
};
void render_bodystructure(const Message& message, BodyForm form, std::string& out);

// nstring and string of the grammar.
void render_string(std::string_view text, std::string& out);
void render_nstring(const std::optional<std::string>& text, std::string& out);

}  // namespace mailroom::mime
