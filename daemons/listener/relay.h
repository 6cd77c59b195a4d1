// What is left of a child before login while TLS cannot be handed over: it passes octets between its client's
// TLS and the session's plain end, until either ends.
#pragma once

#include "libcommon/tls/tls_stream.h"

namespace mailroom {

// `client` is the socket below the TLS stream, `session` the session's end, `stop` as in SocketStream. Throws
// StreamError.
void relay(tls::TlsStream& tls, int client, int session, int stop);

}  // namespace mailroom
