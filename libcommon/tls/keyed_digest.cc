#include "libcommon/tls/keyed_digest.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include <stdexcept>

#include "libcommon/tls/handles.h"
#include "libcommon/tls/library.h"

namespace mailroom {
namespace {

const char* name_of(Hash hash) { return hash == Hash::sha1 ? "SHA1" : "SHA256"; }

void require(bool done) {
  if (!done) throw std::runtime_error("keyed digest: " + tls::take_errors());
}

unsigned char* octets_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* octets_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

OSSL_PARAM octets(const char* name, std::string_view bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

}  // namespace

std::string digest(Hash hash, std::string_view bytes) {
  std::string result(size_of(hash), '\0');
  std::size_t size = 0;
  require(EVP_Q_digest(tls::library(), name_of(hash), nullptr, bytes.data(), bytes.size(), octets_of(result),
                       &size) == 1);
  return result;
}

std::string hmac(Hash hash, std::string_view key, std::string_view bytes) {
  std::string result(size_of(hash), '\0');
  std::size_t size = 0;
  require(EVP_Q_mac(tls::library(), "HMAC", nullptr, name_of(hash), nullptr, key.data(), key.size(),
                    octets_of(bytes), bytes.size(), octets_of(result), result.size(), &size) != nullptr);
  return result;
}

std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt, std::uint32_t iterations) {
  static EVP_KDF* const kdf = EVP_KDF_fetch(tls::library(), "PBKDF2", nullptr);
  const tls::Handle<EVP_KDF_CTX, &EVP_KDF_CTX_free> context{EVP_KDF_CTX_new(kdf)};
  require(context != nullptr);
  int any_size = 1;  // NIST's lower bounds for salt and count are the callers' business
  const OSSL_PARAM params[] = {
      octets(OSSL_KDF_PARAM_PASSWORD, password),
      octets(OSSL_KDF_PARAM_SALT, salt),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &iterations),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(name_of(hash)), 0),
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &any_size),
      OSSL_PARAM_construct_end(),
  };
  std::string result(size_of(hash), '\0');
  require(EVP_KDF_derive(context.get(), octets_of(result), result.size(), params) == 1);
  return result;
}

}  // namespace mailroom
