#include "libcommon/tls/library.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <stdexcept>

#include "libcommon/tls/chosen_algorithms.h"
#include "libcommon/tls/remote_key.h"

namespace mailroom::tls {
namespace {

OSSL_LIB_CTX* make_library() {
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr);
  OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
  // The order matters where a fetch has no preference; the default property settles the rest.
  if (library == nullptr || !add_chosen_algorithms(library) || !add_remote_key_provider(library) ||
      EVP_set_default_properties(library, "?provider=default") != 1)
    throw std::runtime_error("OpenSSL does not start: " + take_errors());
  return library;
}

}  // namespace

OSSL_LIB_CTX* library() {
  static OSSL_LIB_CTX* const instance = make_library();
  return instance;
}

std::string take_errors() {
  std::string words;
  while (const unsigned long error = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(error);
    if (!words.empty()) words += "; ";
    words += reason != nullptr ? reason : "system error";
  }
  return words.empty() ? "unknown reason" : words;
}

}  // namespace mailroom::tls
