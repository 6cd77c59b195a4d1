// Private keys: loading them, naming them, signing with them.  Only keyd holds one; tests, the warm-up of a
// ServerContext and the trial of a handshake make theirs on the spot.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "libcommon/tls/digest.h"

struct evp_pkey_st;

namespace mailroom::tls {

// Names a key pair: SHA-256 of the SubjectPublicKeyInfo (RFC 5280 4.1.2.7, DER).
using KeyId = Sha256Digest;

enum class KeyType : std::uint8_t { ecdsa_p256, ecdsa_p384, rsa, kLast = rsa };

// RSA moduli below this are refused (RFC 9325 4.5).
inline constexpr int kMinRsaBits = 2048;

// The signatures that we make in a TLS handshake (RFC 8446 4.2.3), in our own numbers.
enum class SignatureScheme : std::uint8_t {
  ecdsa_secp256r1_sha256,
  ecdsa_secp384r1_sha384,
  rsa_pss_rsae_sha256,
  rsa_pss_rsae_sha384,
  rsa_pss_rsae_sha512,
  rsa_pkcs1_sha256,  // TLS 1.2 alone
  rsa_pkcs1_sha384,
  rsa_pkcs1_sha512,
  rsa_pkcs1_md5_sha1,  // TLS 1.0 and 1.1 (RFC 4346 7.4.3)
  kLast = rsa_pkcs1_md5_sha1,
};

enum class Padding : std::uint8_t { none, pss, pkcs1 };

// What a scheme consists of.
struct SchemeRow {
  SignatureScheme scheme;
  const char* name;    // as RFC 8446 writes it; OpenSSL knows the same names
  const char* digest;  // OpenSSL's name
  Padding padding;     // none: ECDSA
};
const SchemeRow& scheme_row(SignatureScheme scheme);

// Whether a key of that type may make this signature.
bool scheme_fits(SignatureScheme scheme, KeyType type);

class PrivateKey {
 public:
  // Reads one unencrypted PEM private key (PKCS#8, or the older RSA and EC forms).  The error says what is
  // wrong in words for an operator; it never quotes the input.
  static std::expected<PrivateKey, std::string> parse(std::string_view pem);
  static PrivateKey generate(KeyType type);

  const KeyId& id() const { return id_; }
  KeyType type() const { return type_; }

  // Hashes `message` and signs it.  Empty if the scheme does not fit the key's type.
  std::string sign(SignatureScheme scheme, std::string_view message) const;

  // Unencrypted PKCS#8, for tests that start a keyd.
  std::string pem() const;

  evp_pkey_st* handle() const { return key_.get(); }  // for libcommon/tls

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const noexcept;
  };
  explicit PrivateKey(evp_pkey_st* key);

  std::unique_ptr<evp_pkey_st, Free> key_;
  KeyType type_{};
  KeyId id_{};
};

// Private numbers of keys loaded from now on live in pages of their own between guard pages, locked into
// memory and left out of core dumps, and are overwritten when freed.  Called before the first key;
// `not_locked` is the rest without the lock (RLIMIT_MEMLOCK).
enum class MemoryLock : std::uint8_t { locked, not_locked, unavailable };
MemoryLock lock_key_memory();

// The rest is for libcommon/tls: the id and the type of any key, its private half not needed.
KeyId key_id(const evp_pkey_st* key);
std::expected<KeyType, std::string> key_type(const evp_pkey_st* key);

}  // namespace mailroom::tls
