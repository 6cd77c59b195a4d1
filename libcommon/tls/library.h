// The process's OpenSSL library context.  Internal to libcommon/tls.
#pragma once

#include <openssl/types.h>

#include <string>

namespace mailroom::tls {

// One private context for the process, with what we use of OpenSSL's default provider (chosen_algorithms.h)
// and our remote-key provider, both built in.  No openssl.cnf is read, so an operator's global file cannot
// weaken what we set, and nothing is opened below a jail.
OSSL_LIB_CTX* library();

// Takes everything off OpenSSL's error queue and puts it in words ("unknown reason" when there was nothing).
std::string take_errors();

}  // namespace mailroom::tls
