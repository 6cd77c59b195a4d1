// The inside of a ServerContext.  Internal to libcommon/tls.
#pragma once

#include <deque>

#include "libcommon/tls/certificate.h"
#include "libcommon/tls/client_offer.h"
#include "libcommon/tls/handles.h"
#include "libcommon/tls/server_context.h"

namespace mailroom::tls {

struct LoadedIdentity {
  std::vector<std::string> names;
  CertificateChain chain;
  SslContextHandle context;  // serves this identity, and those of other key types with the same first name
};

struct ServerContext::State {
  SignerSlot slot;
  std::string protocol;
  std::deque<LoadedIdentity> identities;  // the first is the default

  SSL_CTX* default_context() const { return identities.front().context.get(); }
  // Null where the client is to be served by the default.
  SSL_CTX* context_for(std::string_view host_name) const;
};

// A context with one certificate of each key type.  Null on failure, with OpenSSL's error queue saying why.
SslContextHandle build_context(ServerContext::State& state,
                               const std::vector<const CertificateChain*>& chains);

// Where the ClientHello callback of a connection leaves what it saw; null: nowhere.
void set_offer_place(SSL* ssl, ClientOffer* offer);

}  // namespace mailroom::tls
