// The part of OpenSSL's algorithms that our library has: enough for any certificate, and no more.
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <catch2/catch.hpp>

#include "libcommon/tls/handles.h"
#include "libcommon/tls/library.h"
#include "libcommon/tls/pem_certificates.h"

using namespace mailroom::tls;

namespace {

struct Kind {
  const char* key;     // "RSA", "RSA-PSS", a curve, or a key with a digest of its own
  const char* digest;  // null: the key's own
  int padding = 0;     // of RSA, where it is not the usual one
};

EVP_PKEY* generate(const std::string& kind) {
  if (kind == "RSA") return EVP_RSA_gen(2048);
  if (kind.starts_with("ED")) return EVP_PKEY_Q_keygen(nullptr, nullptr, kind.c_str());
  if (kind != "RSA-PSS") return EVP_EC_gen(kind.c_str());
  const PkeyContextHandle context{EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr)};
  EVP_PKEY* key = nullptr;
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY_keygen(context.get(), &key);
  return key;
}

// Made by the whole of OpenSSL, in the process's other library context.
std::string self_signed_pem(const Kind& kind) {
  const PkeyHandle key{generate(kind.key)};
  const CertificateHandle certificate{X509_new()};
  REQUIRE(key);
  X509_set_pubkey(certificate.get(), key.get());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  const DigestContextHandle context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* how = nullptr;
  REQUIRE(EVP_DigestSignInit_ex(context.get(), &how, kind.digest, nullptr, nullptr, key.get(), nullptr) == 1);
  if (kind.padding != 0) REQUIRE(EVP_PKEY_CTX_set_rsa_padding(how, kind.padding) == 1);
  REQUIRE(X509_sign_ctx(certificate.get(), context.get()) > 0);
  const BioHandle text{BIO_new(BIO_s_mem())};
  PEM_write_bio_X509(text.get(), certificate.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

TEST_CASE("algorithms: the signature of any certificate is verified") {
  const Kind kind = GENERATE(values<Kind>({{"RSA", "SHA1"},
                                           {"RSA", "SHA224"},
                                           {"RSA", "SHA256"},
                                           {"RSA", "SHA384"},
                                           {"RSA", "SHA512"},
                                           {"RSA", "SHA256", RSA_PKCS1_PSS_PADDING},
                                           {"RSA-PSS", "SHA256", RSA_PKCS1_PSS_PADDING},
                                           {"P-256", "SHA256"},
                                           {"P-384", "SHA384"},
                                           {"P-521", "SHA512"},
                                           {"ED25519", nullptr},
                                           {"ED448", nullptr}}));
  CAPTURE(kind.key, kind.padding, kind.digest == nullptr ? "" : kind.digest);
  const auto read = read_certificates(self_signed_pem(kind), 1);
  REQUIRE(read.has_value());
  EVP_PKEY* const key = X509_get0_pubkey(read->front().get());
  REQUIRE(key != nullptr);
  CHECK(X509_verify(read->front().get(), key) == 1);
}

TEST_CASE("algorithms: what nobody needs is not there") {
  const char* name = GENERATE("CAMELLIA-256-CBC", "ARIA-128-GCM", "AES-128-OCB", "DES-EDE3-CBC");
  CAPTURE(name);
  const Handle<EVP_CIPHER, &EVP_CIPHER_free> whole{EVP_CIPHER_fetch(nullptr, name, nullptr)};
  const Handle<EVP_CIPHER, &EVP_CIPHER_free> ours{EVP_CIPHER_fetch(library(), name, nullptr)};
  CHECK(whole);
  CHECK_FALSE(ours);
}
