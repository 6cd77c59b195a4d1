#include "libcommon/tls/key.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdexcept>

#include "libcommon/tls/handles.h"
#include "libcommon/tls/library.h"

namespace mailroom::tls {
namespace {

constexpr std::array<SchemeRow, static_cast<std::size_t>(SignatureScheme::kLast) + 1> kSchemes{{
    {SignatureScheme::ecdsa_secp256r1_sha256, "ecdsa_secp256r1_sha256", "SHA256", Padding::none},
    {SignatureScheme::ecdsa_secp384r1_sha384, "ecdsa_secp384r1_sha384", "SHA384", Padding::none},
    {SignatureScheme::rsa_pss_rsae_sha256, "rsa_pss_rsae_sha256", "SHA256", Padding::pss},
    {SignatureScheme::rsa_pss_rsae_sha384, "rsa_pss_rsae_sha384", "SHA384", Padding::pss},
    {SignatureScheme::rsa_pss_rsae_sha512, "rsa_pss_rsae_sha512", "SHA512", Padding::pss},
    {SignatureScheme::rsa_pkcs1_sha256, "rsa_pkcs1_sha256", "SHA256", Padding::pkcs1},
    {SignatureScheme::rsa_pkcs1_sha384, "rsa_pkcs1_sha384", "SHA384", Padding::pkcs1},
    {SignatureScheme::rsa_pkcs1_sha512, "rsa_pkcs1_sha512", "SHA512", Padding::pkcs1},
    {SignatureScheme::rsa_pkcs1_md5_sha1, "rsa_pkcs1_md5_sha1", "MD5-SHA1", Padding::pkcs1},
}};

// Instead of asking on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

// RFC 8446 4.2.3: the salt is as long as the digest, and MGF1 uses the same digest.
bool set_padding(EVP_PKEY_CTX* context, Padding padding) {
  if (padding == Padding::none) return true;
  if (padding == Padding::pkcs1) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

}  // namespace

const SchemeRow& scheme_row(SignatureScheme scheme) { return kSchemes.at(static_cast<std::size_t>(scheme)); }

bool scheme_fits(SignatureScheme scheme, KeyType type) {
  switch (type) {
  case KeyType::ecdsa_p256:
    return scheme == SignatureScheme::ecdsa_secp256r1_sha256;
  case KeyType::ecdsa_p384:
    return scheme == SignatureScheme::ecdsa_secp384r1_sha384;
  case KeyType::rsa:
    return scheme_row(scheme).padding != Padding::none;
  }
  return false;
}

KeyId key_id(const evp_pkey_st* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) throw std::runtime_error("public key: " + take_errors());
  const KeyId id = sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return id;
}

std::expected<KeyType, std::string> key_type(const evp_pkey_st* key) {
  if (EVP_PKEY_is_a(key, "RSA")) {
    if (EVP_PKEY_get_bits(key) >= kMinRsaBits) return KeyType::rsa;
    return std::unexpected("an RSA key needs at least " + std::to_string(kMinRsaBits) + " bits");
  }
  std::array<char, 32> group{};
  if (EVP_PKEY_is_a(key, "EC") &&
      EVP_PKEY_get_group_name(const_cast<EVP_PKEY*>(key), group.data(), group.size(), nullptr) == 1) {
    const std::string_view name = group.data();
    if (name == "prime256v1" || name == "P-256") return KeyType::ecdsa_p256;
    if (name == "secp384r1" || name == "P-384") return KeyType::ecdsa_p384;
  }
  return std::unexpected("a key must be ECDSA on P-256 or P-384, or RSA");
}

void PrivateKey::Free::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

// Precondition: key_type(key) has a value.
PrivateKey::PrivateKey(evp_pkey_st* key) : key_{key}, type_{key_type(key).value()}, id_{key_id(key)} {}

std::expected<PrivateKey, std::string> PrivateKey::parse(std::string_view pem) {
  const BioHandle text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  PkeyHandle key{PEM_read_bio_PrivateKey_ex(text.get(), nullptr, no_passphrase, nullptr, library(), nullptr)};
  if (!key) return std::unexpected("not an unencrypted private key in PEM form: " + take_errors());
  if (const auto type = key_type(key.get()); !type) return std::unexpected(type.error());
  return PrivateKey{key.release()};
}

PrivateKey PrivateKey::generate(KeyType type) {
  EVP_PKEY* key = nullptr;
  switch (type) {
  case KeyType::ecdsa_p256:
    key = EVP_PKEY_Q_keygen(library(), nullptr, "EC", "P-256");
    break;
  case KeyType::ecdsa_p384:
    key = EVP_PKEY_Q_keygen(library(), nullptr, "EC", "P-384");
    break;
  case KeyType::rsa:
    key = EVP_PKEY_Q_keygen(library(), nullptr, "RSA", static_cast<std::size_t>(kMinRsaBits));
    break;
  }
  if (key == nullptr) throw std::runtime_error("key generation: " + take_errors());
  return PrivateKey{key};
}

std::string PrivateKey::sign(SignatureScheme scheme, std::string_view message) const {
  if (!scheme_fits(scheme, type_)) return {};
  const SchemeRow& row = scheme_row(scheme);
  const DigestContextHandle context{EVP_MD_CTX_new()};
  const auto* octets = reinterpret_cast<const unsigned char*>(message.data());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
  std::size_t size = signature.size();
  EVP_PKEY_CTX* key_context = nullptr;
  if (EVP_DigestSignInit_ex(context.get(), &key_context, row.digest, library(), nullptr, key_.get(),
                            nullptr) != 1 ||
      !set_padding(key_context, row.padding) ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, octets,
                     message.size()) != 1)
    throw std::runtime_error("signature: " + take_errors());
  signature.resize(size);
  return signature;
}

std::string PrivateKey::pem() const {
  const BioHandle text{BIO_new(BIO_s_mem())};
  if (PEM_write_bio_PKCS8PrivateKey(text.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    throw std::runtime_error("private key: " + take_errors());
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

MemoryLock lock_key_memory() {
  constexpr std::size_t kArena = 1024 * 1024;  // some hundred keys
  constexpr std::size_t kSmallest = 16;
  static const MemoryLock outcome = [] {
    switch (CRYPTO_secure_malloc_init(kArena, kSmallest)) {
    case 1:
      return MemoryLock::locked;
    case 2:
      return MemoryLock::not_locked;
    default:
      return MemoryLock::unavailable;
    }
  }();
  return outcome;
}

}  // namespace mailroom::tls
