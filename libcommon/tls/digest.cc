// SHA-256 by its own functions, which OpenSSL 3 would rather have replaced by those for any algorithm: these
// need nothing set up.  Most processes want no more than a checksum, and the tables of all algorithms are
// half a megabyte in each.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "libcommon/tls/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace mailroom {

Sha256::Sha256() : state_{std::make_unique<SHA256_CTX>()} { SHA256_Init(state_.get()); }
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) { SHA256_Update(state_.get(), bytes.data(), bytes.size()); }

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  SHA256_Final(digest.data(), state_.get());
  SHA256_Init(state_.get());
  return digest;
}

Sha256Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void cleanse(void* memory, std::size_t size) noexcept { OPENSSL_cleanse(memory, size); }

}  // namespace mailroom
