// What is left of a child before login while TLS cannot be handed over: it passes octets between its client's
// TLS and the session's plain end, until either ends.
#pragma once

#include <chrono>

#include "libcommon/tls/tls_stream.h"

namespace mailroom {

// How long it waits for the client.  The session has its own idea of idleness and ends the relay by closing
// its end; but that is not seen while octets wait for a client that takes none, or that has sent half a
// record.
struct RelayPatience {
  std::chrono::milliseconds record = std::chrono::minutes{10};     // one TLS record, in or out
  std::chrono::milliseconds last_words = std::chrono::minutes{1};  // all that a session has left behind
};

// `client` is the socket below the TLS stream, `session` the session's end, `stop` as in SocketStream. Throws
// StreamError.
void relay(tls::TlsStream& tls, int client, int session, int stop, const RelayPatience& patience = {});

}  // namespace mailroom
