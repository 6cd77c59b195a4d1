// The TLS of a listener, as its configuration says.
#pragma once

#include <string>

#include "daemons/config.h"
#include "libcommon/tls/server_context.h"

namespace mailroom {

// Of what is forgiven: the part that the handshake looks at.
inline tls::Tolerance tolerance_of(const policy::Quirks& quirks) {
  return {static_cast<tls::Version>(quirks.tls_min), quirks.old_ciphers};
}

inline tls::ServerSettings tls_settings(const Config& config, const ListenerConfig& listener,
                                        std::string protocol) {
  tls::ServerSettings settings{
      .identities = {}, .protocol = std::move(protocol), .tolerance = tolerance_of(listener.quirks)};
  if (listener.client_certificate)
    settings.client_authorities_pem = config.client_certificate.authorities_pem;
  for (const CertificateConfig& certificate : config.certificates)
    settings.identities.push_back({certificate.names, certificate.chain_pem});
  return settings;
}

}  // namespace mailroom
