// OpenSSL's algorithms, as many as TLS, certificates and passwords need.  Internal to libcommon/tls.
//
// OpenSSL makes an object with its lock and its names for every algorithm of a kind as soon as one of them is
// asked for: some 300 of its default provider, 0.2 MB in each process, and each handshake goes through all
// the names several times.  Here is a provider with a part of the default one's list; what carries them out
// is the default one's code.
#pragma once

#include <openssl/types.h>

namespace mailroom::tls {

// Called once, by library(), before `library` is asked for anything.
bool add_chosen_algorithms(OSSL_LIB_CTX* library);

}  // namespace mailroom::tls
