#include "libcommon/tls/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <optional>
#include <stdexcept>

#include "libcommon/tls/handles.h"
#include "libcommon/tls/library.h"
#include "libcommon/tls/pem_certificates.h"
#include "libcommon/tls/secret_buffer.h"

namespace mailroom::tls {
namespace {

constexpr int kX509Version3 = 2;
constexpr long kThrowawayLifetime = 7L * 24 * 3600;  // seconds

// Each certificate must be signed by the next one's subject; clients that get them out of order refuse them.
bool in_order(const std::vector<std::shared_ptr<X509>>& chain) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i)
    if (X509_NAME_cmp(X509_get_issuer_name(chain[i].get()), X509_get_subject_name(chain[i + 1].get())) != 0)
      return false;
  return true;
}

// Why OpenSSL would not show it to a client at its security level 2, SSL_CTX_set_security_level(3).
std::optional<std::string> weakness(X509* certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return "unknown kind of public key: " + take_errors();
  if (EVP_PKEY_get_security_bits(key) < kMinCertificateStrength) return "the public key is too weak";
  if ((X509_get_extension_flags(certificate) & EXFLAG_SS) != 0) return {};
  int strength = 0;
  if (X509_get_signature_info(certificate, nullptr, nullptr, &strength, nullptr) != 1)
    return "unknown kind of signature: " + take_errors();
  if (strength < kMinCertificateStrength) return "it is signed with a digest that is too weak";
  return {};
}

void require(int outcome, const char* what) {
  if (outcome != 1) throw std::runtime_error(std::string(what) + ": " + take_errors());
}

CertificateHandle make_self_signed(const PrivateKey& key, const std::string& host_name) {
  CertificateHandle certificate{X509_new_ex(library(), nullptr)};
  X509* const x = certificate.get();
  X509_NAME* const name = X509_get_subject_name(x);
  require(X509_set_version(x, kX509Version3), "version");
  require(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), "serial number");
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), kThrowawayLifetime);
  require(X509_set_pubkey(x, key.handle()), "public key");
  const auto* common_name = reinterpret_cast<const unsigned char*>(host_name.c_str());
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0), "name");
  require(X509_set_issuer_name(x, name), "issuer");
  const std::string alternative = "DNS:" + host_name;
  const Handle<X509_EXTENSION, &X509_EXTENSION_free> names{
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative.c_str())};
  require(names ? X509_add_ext(x, names.get(), -1) : 0, "subjectAltName");
  const char* digest = key.type() == KeyType::ecdsa_p384 ? "SHA384" : "SHA256";
  const DigestContextHandle context{EVP_MD_CTX_new()};
  require(EVP_DigestSignInit_ex(context.get(), nullptr, digest, library(), nullptr, key.handle(), nullptr),
          "sign");
  require(X509_sign_ctx(x, context.get()) > 0, "sign");
  return certificate;
}

}  // namespace

std::expected<CertificateChain, std::string> CertificateChain::parse(std::string_view pem) {
  auto all = read_certificates(pem, kMaxChain);
  if (!all) return std::unexpected(all.error());
  if (all->empty()) return std::unexpected("no certificate in it");
  if (!in_order(*all))
    return std::unexpected("certificates out of order: each must be followed by its issuer's");
  const EVP_PKEY* key = X509_get0_pubkey(all->front().get());
  if (key == nullptr) return std::unexpected("unknown kind of public key: " + take_errors());
  const auto type = tls::key_type(key);
  if (!type) return std::unexpected(type.error());
  for (std::size_t i = 0; i < all->size(); ++i)
    if (const auto weak = weakness((*all)[i].get()))
      return std::unexpected("number " + std::to_string(i + 1) + " of the chain: " + *weak);
  CertificateChain chain;
  chain.certificates_ = std::move(*all);
  chain.type_ = *type;
  chain.key_ = key_id(key);
  unsigned size = static_cast<unsigned>(chain.fingerprint_.size());
  const Handle<EVP_MD, &EVP_MD_free> algorithm{EVP_MD_fetch(library(), "SHA256", nullptr)};
  require(algorithm ? X509_digest(chain.certificates_.front().get(), algorithm.get(),
                                  chain.fingerprint_.data(), &size)
                    : 0,
          "fingerprint");
  return chain;
}

bool CertificateChain::covers(std::string_view host_name) const {
  return X509_check_host(certificates_.front().get(), host_name.data(), host_name.size(),
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

std::chrono::sys_seconds CertificateChain::not_after() const {
  std::tm calendar{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificates_.front().get()), &calendar) != 1) return {};
  return std::chrono::sys_seconds{std::chrono::seconds{::timegm(&calendar)}};
}

std::expected<OwnIdentity, std::string> read_identity(std::string_view chain_pem, const Fd& key_file) {
  SecretBuffer pem{kMaxKeyFile};
  if (!key_file || !pem.read_file(key_file.get()))
    return std::unexpected("the private key's file cannot be read, or is too long");
  auto key = PrivateKey::parse(pem.bytes());
  if (!key) return std::unexpected("private key: " + key.error());
  auto chain = CertificateChain::parse(chain_pem);
  if (!chain) return std::unexpected("certificate: " + chain.error());
  if (chain->key() != key->id()) return std::unexpected("the private key is not the certificate's");
  return OwnIdentity{std::move(*chain), std::move(*key)};
}

ThrowawayIdentity make_throwaway_identity(KeyType type, std::string_view host_name) {
  ThrowawayIdentity identity{PrivateKey::generate(type), {}};
  const CertificateHandle certificate = make_self_signed(identity.key, std::string(host_name));
  const BioHandle text{BIO_new(BIO_s_mem())};
  require(PEM_write_bio_X509(text.get(), certificate.get()), "certificate");
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  identity.chain_pem.assign(data, static_cast<std::size_t>(size));
  return identity;
}

}  // namespace mailroom::tls
