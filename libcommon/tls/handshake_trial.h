// Whether a client could do a handshake with a server, tried in memory by the code that does it for real.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "libcommon/tls/server_context.h"
#include "libcommon/tls/tls_stream.h"

namespace mailroom::tls {

// Of a client that speaks `newest` and what was before it, has every cipher suite of its time, and names no
// host; `tolerance` as for TlsStream::accept.  The keys of the certificates are not needed: others of their
// types, made on the spot, stand for them.
//
// What the handshake came to; else in words what was missing, as accept() has them.
std::expected<HandshakeFacts, std::string> try_handshake(ServerSettings settings, Version newest,
                                                         const std::optional<Tolerance>& tolerance = {});

}  // namespace mailroom::tls
