// The server's side of SASL PLAIN (RFC 4616): one message, [authzid] NUL authcid NUL passwd.
#pragma once

#include <expected>
#include <string_view>

#include "libcommon/protocol/sasl/credentials.h"

namespace mailroom::sasl {

// `message` is raw octets, after base64.  Fewer than two NULs is malformed; a NUL within the password, an
// empty name or password, one past its limit, and a name with control characters are never_valid.  Whether
// authzid may act for authcid is the caller's decision.
[[nodiscard]] std::expected<Credentials, Fault> parse_plain(std::string_view message);

}  // namespace mailroom::sasl
