#include "tests/unit/tls/test_authority.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <stdexcept>

namespace mailroom::tls {
namespace {

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("test set-up: ") + what);
}

// By hand, so that a name may hold any octet.
void add_name(GENERAL_NAMES* list, int kind, const std::string& name) {
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
  GENERAL_NAME* entry = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(entry, kind, text);
  sk_GENERAL_NAME_push(list, entry);
}

void add_names(X509* certificate, const Says& says) {
  if (says.names.empty() && says.emails.empty()) return;
  GENERAL_NAMES* list = GENERAL_NAMES_new();
  for (const std::string& name : says.names) add_name(list, GEN_DNS, name);
  for (const std::string& name : says.emails) add_name(list, GEN_EMAIL, name);
  require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, 0) == 1, "names");
  GENERAL_NAMES_free(list);
}

void add_extension(X509* certificate, int kind, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
}

// By which authorities of the same name are told apart (RFC 5280 4.2.1.1, 4.2.1.2).
void add_key_identifier(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "key identifier");
  X509_EXTENSION_free(extension);
}

EVP_PKEY* make_key(const std::string& kind) {
  if (kind == "RSA") return EVP_RSA_gen(2048);
  if (kind == "ED25519") return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  return EVP_EC_gen(kind.c_str());
}

Identity make(const Says& says, const Identity* issuer) {
  static std::atomic<long> serial{1};
  Identity made{{make_key(says.key), &EVP_PKEY_free}, {X509_new(), &X509_free}};
  X509* const x = made.certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x), says.begins);
  X509_gmtime_adj(X509_getm_notAfter(x), says.ends);
  X509_set_pubkey(x, made.key.get());
  const auto* name = reinterpret_cast<const unsigned char*>(says.common_name.data());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, name,
                             static_cast<int>(says.common_name.size()), -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(issuer != nullptr ? issuer->certificate.get() : x));
  add_names(x, says);
  if (says.authority) {
    add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    add_key_identifier(x, x, NID_subject_key_identifier, "hash");
  }
  if (issuer != nullptr && X509_get0_subject_key_id(issuer->certificate.get()) != nullptr)
    add_key_identifier(x, issuer->certificate.get(), NID_authority_key_identifier, "keyid");
  if (!says.usage.empty()) add_extension(x, NID_ext_key_usage, says.usage.c_str());
  EVP_PKEY* const signer = issuer != nullptr ? issuer->key.get() : made.key.get();
  const bool has_own_digest = EVP_PKEY_is_a(signer, "ED25519") == 1;
  require(X509_sign(x, signer, has_own_digest ? nullptr : EVP_get_digestbyname(says.digest.c_str())) > 0,
          "signature");
  return made;
}

std::string digest(const EVP_MD* kind, const std::string& octets) {
  std::string value(static_cast<std::size_t>(EVP_MD_get_size(kind)), '\0');
  EVP_Digest(octets.data(), octets.size(), reinterpret_cast<unsigned char*>(value.data()), nullptr, kind,
             nullptr);
  return value;
}

std::string text_of(BIO* owned) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(owned, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(owned);
  return text;
}

}  // namespace

std::string Identity::pem() const {
  BIO* text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(text, certificate.get());
  return text_of(text);
}

std::string Identity::der() const {
  unsigned char* data = nullptr;
  const int size = i2d_X509(certificate.get(), &data);
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return der;
}

std::string Identity::public_key_der() const {
  unsigned char* data = nullptr;
  const int size = i2d_PUBKEY(key.get(), &data);
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return der;
}

Identity self_signed(const Says& says) { return make(says, nullptr); }
Identity signed_by(const Identity& authority, const Says& says) { return make(says, &authority); }

std::string revocation_list(const Identity& authority, const std::vector<const Identity*>& revoked,
                            long ends) {
  const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list{X509_CRL_new(), &X509_CRL_free};
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> begun{X509_gmtime_adj(nullptr, -3600),
                                                                    &ASN1_TIME_free},
      ended{X509_gmtime_adj(nullptr, ends), &ASN1_TIME_free};
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority.certificate.get()));
  X509_CRL_set1_lastUpdate(list.get(), begun.get());
  X509_CRL_set1_nextUpdate(list.get(), ended.get());
  for (const Identity* each : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(each->certificate.get()));
    X509_REVOKED_set_revocationDate(entry, begun.get());
    require(X509_CRL_add0_revoked(list.get(), entry) == 1, "revoked");
  }
  require(X509_CRL_sign(list.get(), authority.key.get(), EVP_sha256()) > 0, "revocation list");
  BIO* text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_CRL(text, list.get());
  return text_of(text);
}

std::string sha256(const std::string& octets) { return digest(EVP_sha256(), octets); }
std::string sha512(const std::string& octets) { return digest(EVP_sha512(), octets); }

BesideServer::BesideServer(const SocketPair& sockets, const Identity& identity, const Offers& offers,
                           Conversation conversation)
    : sockets_{sockets}, context_{SSL_CTX_new(TLS_server_method()), &SSL_CTX_free}, ssl_{nullptr, &SSL_free} {
  SSL_CTX* const context = context_.get();
  ::signal(SIGPIPE, SIG_IGN);  // a client may go at any time
  SSL_CTX_set_security_level(context, 0);
  require(SSL_CTX_set_min_proto_version(context, offers.min_version) == 1, "version");
  require(SSL_CTX_set_max_proto_version(context, offers.max_version) == 1, "version");
  require(offers.ciphers.empty() || SSL_CTX_set_cipher_list(context, offers.ciphers.c_str()) == 1, "ciphers");
  require(SSL_CTX_use_certificate(context, identity.certificate.get()) == 1, "certificate");
  require(SSL_CTX_use_PrivateKey(context, identity.key.get()) == 1, "key");
  for (const Certificate& other : identity.others) SSL_CTX_add1_chain_cert(context, other.get());
  SSL_CTX_set_info_callback(context, note);
  ssl_.reset(SSL_new(context));
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_fd(ssl_.get(), sockets.server.get());
  thread_ = std::jthread{[this, talk = std::move(conversation)] { serve(talk); }};
}

BesideServer::~BesideServer() {
  if (thread_.joinable()) ::shutdown(sockets_.server.get(), SHUT_RDWR);
}

void BesideServer::finish() { thread_.join(); }

void BesideServer::serve(const Conversation& conversation) {
  shook_hands = SSL_accept(ssl_.get()) == 1;
  char octet;
  if (!shook_hands) SSL_read(ssl_.get(), &octet, 1);
  if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name); name != nullptr)
    server_name = name;
  if (shook_hands && conversation) conversation(ssl_.get());
  // In TLS 1.3 the client refuses after the server's side has come to its end.
  if (shook_hands && !conversation) SSL_read(ssl_.get(), &octet, 1);
  ::shutdown(sockets_.server.get(), SHUT_WR);
}

void BesideServer::note(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
    static_cast<BesideServer*>(SSL_get_app_data(ssl))->alert = value & 0xff;
}

}  // namespace mailroom::tls
