// What COPY, MOVE and APPEND have in common: a destination (RFC 3501 section 7.1 TRYCREATE, RFC 4315).
#pragma once

#include <string>

#include "daemons/imapd/context.h"

namespace mailroom::imapd {

// "[COPYUID 38505 304,319:320 3956:3958] ", or nothing when nothing was copied.
std::string copy_uid_code(const mailbox::Copied& copied);

// For a destination that was not found: [TRYCREATE].
Reply destination_failed(Context& context, const mailbox::Failure& failure);

}  // namespace mailroom::imapd
