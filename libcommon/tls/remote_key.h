// Keys whose private half is elsewhere, as an OpenSSL provider.  Internal to libcommon/tls.
//
// To OpenSSL such a key is an EC or RSA key pair of a provider named kRemoteProvider.  Its key management
// knows the public half and refuses to export a private one, so that OpenSSL must come back to this provider
// for signatures; its signature algorithm has the one operation that TLS uses, signing a whole message at
// once, and hands that message to a Signer.
#pragma once

#include <openssl/types.h>

#include "libcommon/tls/handles.h"
#include "libcommon/tls/signer.h"

namespace mailroom::tls {

inline constexpr const char* kRemoteProvider = "mailroom-remote-key";

// Called once, by library().
bool add_remote_key_provider(OSSL_LIB_CTX* library);

// A key for SSL_CTX_use_cert_and_key with the public half of `certificate`.  `slot` must outlive it.  Null on
// failure, with OpenSSL's error queue saying why.
PkeyHandle make_remote_key(X509* certificate, SignerSlot& slot);

}  // namespace mailroom::tls
