// How a before-login engine (smtpd, pop3d, imapd) turns on TLS in the middle of a connection (STARTTLS,
// STLS).
#pragma once

#include "libcommon/policy/quirks.h"
#include "libcommon/sys/stream.h"

namespace mailroom {

class TlsUpgrade {
 public:
  virtual ~TlsUpgrade() = default;

  // What of TLS is forgiven in the handshake to come, in place of what the listener forgives.
  virtual void forgive(const policy::Quirks&) {}

  // Does the server's side of the handshake on the connection and returns the protected stream, which lives
  // as long as this object.  Throws StreamError when the handshake fails: the connection is then over.
  // Precondition: the client's plaintext has been consumed and nothing is buffered (SECURITY.md V2); the
  // answer that invites the client to begin has been written.  Called at most once.
  [[nodiscard]] virtual Stream& start() = 0;
};

}  // namespace mailroom
