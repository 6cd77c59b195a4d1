// The inside of a ClientContext.  Internal to libcommon/tls.
#pragma once

#include "libcommon/tls/client_context.h"
#include "libcommon/tls/handles.h"

namespace mailroom::tls {

struct ClientContext::State {
  SslContextHandle strict;   // encrypt, dane, certificate; holds the authorities
  SslContextHandle lenient;  // may

  SSL_CTX* context_for(routing::TlsLevel level) const;
};

}  // namespace mailroom::tls
