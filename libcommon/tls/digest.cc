#include "libcommon/tls/digest.h"

#include <openssl/crypto.h>

#include <stdexcept>

#include "libcommon/tls/handles.h"
#include "libcommon/tls/library.h"

namespace mailroom {
namespace {

const EVP_MD* algorithm() {
  static const EVP_MD* const fetched = EVP_MD_fetch(tls::library(), "SHA256", nullptr);
  return fetched;
}

void require(int outcome) {
  if (outcome != 1) throw std::runtime_error("SHA-256: " + tls::take_errors());
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_{EVP_MD_CTX_new()} {
  require(EVP_DigestInit_ex2(context_.get(), algorithm(), nullptr));
}

void Sha256::update(std::string_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
  require(EVP_DigestInit_ex2(context_.get(), algorithm(), nullptr));
  return digest;
}

Sha256Digest sha256(std::string_view bytes) {
  Sha256Digest digest;
  require(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, algorithm(), nullptr));
  return digest;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void cleanse(void* memory, std::size_t size) noexcept { OPENSSL_cleanse(memory, size); }

}  // namespace mailroom
