// The authorities whose word a client takes.  Internal to libcommon/tls.
//
// A bundle has those of the whole world, 140, five times as large when they are parsed, and a connection
// needs one of them.  So they are kept as they are encoded, and one is parsed when a certificate names it as
// its issuer.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <vector>

namespace mailroom::tls {

// Has `store` find the authorities.  False, with OpenSSL's error queue saying why, when it cannot.
bool add_authorities(X509_STORE* store, const std::vector<std::shared_ptr<X509>>& authorities);

}  // namespace mailroom::tls
