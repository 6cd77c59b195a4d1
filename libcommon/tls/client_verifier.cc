#include "libcommon/tls/client_verifier.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "libcommon/protocol/tls/certificate_verify.h"
#include "libcommon/protocol/tls/handshake.h"
#include "libcommon/tls/client_context.h"
#include "libcommon/tls/client_scheme.h"
#include "libcommon/tls/handles.h"
#include "libcommon/tls/library.h"
#include "libcommon/tls/pem_certificates.h"

namespace mailroom::tls {
namespace {

using namespace std::string_view_literals;

constexpr int kSecurityLevel = 2;  // 112 bits

using StoreHandle = Handle<X509_STORE, &X509_STORE_free>;
using StoreContextHandle = Handle<X509_STORE_CTX, &X509_STORE_CTX_free>;
using ChainHandle =
    Handle<STACK_OF(X509), [](STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); }>;
using NamesHandle = Handle<GENERAL_NAMES, &GENERAL_NAMES_free>;

std::unexpected<std::string> refused(std::string reason) { return std::unexpected(std::move(reason)); }

const unsigned char* octets_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// ---- the transcript

std::string hash(TranscriptHash kind, std::string_view bytes) {
  using DigestHandle = Handle<EVP_MD, &EVP_MD_free>;
  const DigestHandle algorithm{
      EVP_MD_fetch(library(), kind == TranscriptHash::sha384 ? "SHA384" : "SHA256", nullptr)};
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, algorithm.get(), nullptr) != 1) return {};
  return {reinterpret_cast<const char*>(digest), size};
}

// RFC 8446 4.4.1
std::string transcript_hash(const Handshake& handshake, std::string_view transcript) {
  if (handshake.retried_hello.empty()) return hash(handshake.hash, transcript);
  const std::string hello = hash(handshake.hash, handshake.retried_hello);
  std::string whole{"\xFE\x00\x00"sv};
  whole += static_cast<char>(hello.size());
  whole += hello;
  whole += transcript;
  return hash(handshake.hash, whole);
}

CertificateHandle read_certificate(std::string_view der) {
  X509* certificate = X509_new_ex(library(), nullptr);
  const unsigned char* at = octets_of(der);
  const bool is_read = d2i_X509(&certificate, &at, static_cast<long>(der.size())) != nullptr &&
                       at == octets_of(der) + der.size();
  CertificateHandle owner{certificate};  // null where d2i_X509 has freed it
  ERR_clear_error();
  if (!is_read) return {};
  return owner;
}

// Nothing when it is the handshake that the server's key has signed; else why not.
std::optional<std::string> differs(const SignedByServer& made, const Handshake& handshake) {
  if (to_be_signed(Side::server, transcript_hash(handshake, handshake.server_transcript)) !=
      made.to_be_signed)
    return "not the handshake that was signed in this connection";
  if (handshake.server.signature != made.signature)
    return "not the signature that was made in this connection";
  if (std::ranges::count(made.certificates, sha256(handshake.server_certificate)) == 0)
    return "not a certificate of ours";
  return std::nullopt;
}

// ---- the client's signature

bool fits(const ClientSchemeRow& scheme, const EVP_PKEY* key) {
  if (!EVP_PKEY_is_a(key, scheme.key)) return false;
  if (scheme.group == nullptr) return true;
  char group[32];
  return EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
         group == std::string_view{scheme.group};
}

bool use_pss(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

bool is_signed(const CertificateVerify& verify, EVP_PKEY* key, const std::string& message) {
  const auto* scheme = std::ranges::find(kClientSchemes, verify.scheme, &ClientSchemeRow::number);
  if (scheme == std::end(kClientSchemes) || !fits(*scheme, key)) return false;
  const DigestContextHandle context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* key_context = nullptr;
  if (!context || EVP_DigestVerifyInit_ex(context.get(), &key_context, scheme->digest, library(), nullptr,
                                          key, nullptr) != 1)
    return false;
  if (EVP_PKEY_is_a(key, "RSA") && !use_pss(key_context)) return false;
  return EVP_DigestVerify(context.get(), octets_of(verify.signature), verify.signature.size(),
                          octets_of(message), message.size()) == 1;
}

// ---- what the certificate says

std::string text_of(const ASN1_IA5STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::optional<ClientNames> names_of(const X509* certificate, std::string_view der) {
  ClientNames names{.fingerprint = sha256(der), .emails = {}, .hosts = {}};
  const NamesHandle all{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type == GEN_EMAIL) names.emails.push_back(text_of(name->d.rfc822Name));
    if (name->type == GEN_DNS) names.hosts.push_back(text_of(name->d.dNSName));
    if (std::max(names.emails.size(), names.hosts.size()) > kMaxNamesOfClient) return std::nullopt;
  }
  return names;
}

// ---- revocation

// Of which X509_verify_cert() speaks when a list says so, or is not as it must be.
constexpr int kWrongByList[] = {
    X509_V_ERR_CERT_REVOKED,
    X509_V_ERR_CRL_HAS_EXPIRED,
    X509_V_ERR_CRL_NOT_YET_VALID,
    X509_V_ERR_CRL_SIGNATURE_FAILURE,
    X509_V_ERR_DIFFERENT_CRL_SCOPE,
    X509_V_ERR_KEYUSAGE_NO_CRL_SIGN,
    X509_V_ERR_UNABLE_TO_GET_CRL,
    X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER,
    X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE,
};

// X509_STORE_CTX_set_verify_cb.  The client's own certificate is the first of the chain, and needs a list.
// The last is an authority of ours, which no list takes from us; of those between a list is looked at where
// there is one.
int judge_by_lists(int good, X509_STORE_CTX* context) {
  const int verdict = X509_STORE_CTX_get_error(context);
  const int place = X509_STORE_CTX_get_error_depth(context);
  if (good == 1 || place == 0) return good;
  const bool is_authority = place + 1 == sk_X509_num(X509_STORE_CTX_get0_chain(context));
  const bool forgiven =
      is_authority ? std::ranges::count(kWrongByList, verdict) > 0 : verdict == X509_V_ERR_UNABLE_TO_GET_CRL;
  if (forgiven) X509_STORE_CTX_set_error(context, X509_V_OK);
  return forgiven ? 1 : 0;
}

}  // namespace

struct ClientVerifier::State {
  StoreHandle store;
  std::size_t authorities = 0;
  std::size_t revocations = 0;

  // Nothing when the chain is good; else why not.
  std::optional<std::string> distrusts(X509* certificate, STACK_OF(X509) * others,
                                       std::chrono::sys_seconds now) const;
};

std::optional<std::string> ClientVerifier::State::distrusts(X509* certificate, STACK_OF(X509) * others,
                                                            std::chrono::sys_seconds now) const {
  const StoreContextHandle context{X509_STORE_CTX_new_ex(library(), nullptr)};
  if (!context || X509_STORE_CTX_init(context.get(), store.get(), certificate, others) != 1)
    return "no memory for the chain";
  X509_VERIFY_PARAM* const rules = X509_STORE_CTX_get0_param(context.get());
  X509_STORE_CTX_set_default(context.get(), "ssl_client");
  X509_VERIFY_PARAM_set_auth_level(rules, kSecurityLevel);
  X509_VERIFY_PARAM_set_time(rules, now.time_since_epoch().count());
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);  // up to any authority of ours
  if (revocations > 0) {
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_CTX_set_verify_cb(context.get(), judge_by_lists);
  }
  const bool is_good = X509_verify_cert(context.get()) == 1;
  const int verdict = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (is_good) return std::nullopt;
  return std::string{"certificate: "} + X509_verify_cert_error_string(verdict);
}

ClientVerifier::ClientVerifier(std::unique_ptr<State> state) : state_{std::move(state)} {}
ClientVerifier::ClientVerifier(ClientVerifier&&) noexcept = default;
ClientVerifier& ClientVerifier::operator=(ClientVerifier&&) noexcept = default;
ClientVerifier::~ClientVerifier() = default;

std::size_t ClientVerifier::authorities() const { return state_->authorities; }
std::size_t ClientVerifier::revocations() const { return state_->revocations; }

std::expected<ClientVerifier, std::string> ClientVerifier::make(std::string_view authorities_pem,
                                                                std::string_view revocations_pem) {
  auto state = std::make_unique<State>();
  state->store.reset(X509_STORE_new());
  if (!state->store) return refused(take_errors());
  const auto authorities = read_certificates(authorities_pem, kMaxAuthorities);
  if (!authorities) return refused("authorities: " + authorities.error());
  if (authorities->empty()) return refused("authorities: no certificate in it");
  for (const auto& authority : *authorities)
    if (X509_STORE_add_cert(state->store.get(), authority.get()) != 1)
      return refused("authorities: " + take_errors());
  state->authorities = authorities->size();
  if (revocations_pem.empty()) return ClientVerifier{std::move(state)};
  const auto lists = read_revocations(revocations_pem);
  if (!lists) return refused("revocations: " + lists.error());
  for (const auto& list : *lists)
    if (X509_STORE_add_crl(state->store.get(), list.get()) != 1)
      return refused("revocations: " + take_errors());
  state->revocations = lists->size();
  return ClientVerifier{std::move(state)};
}

std::expected<ClientNames, std::string> ClientVerifier::verify(const SignedByServer& made,
                                                               std::string_view octets,
                                                               std::chrono::sys_seconds now) const {
  const auto handshake = read_handshake(octets);
  if (!handshake) return refused(handshake.error());
  if (auto difference = differs(made, *handshake)) return refused(std::move(*difference));
  return verify_client(*handshake, now);
}

std::expected<ClientNames, std::string> ClientVerifier::verify_client(const Handshake& handshake,
                                                                      std::chrono::sys_seconds now) const {
  const ChainHandle chain{sk_X509_new_null()};
  for (const std::string_view der : handshake.client_chain) {
    CertificateHandle certificate = read_certificate(der);
    if (!certificate || sk_X509_push(chain.get(), certificate.get()) == 0)
      return refused("what is no certificate");
    std::ignore = certificate.release();
  }
  X509* const own = sk_X509_value(chain.get(), 0);
  EVP_PKEY* const key = X509_get0_pubkey(own);
  const std::string message =
      to_be_signed(Side::client, transcript_hash(handshake, handshake.client_transcript));
  const bool is_proved = key != nullptr && is_signed(handshake.client, key, message);
  ERR_clear_error();
  if (!is_proved) return refused("not signed with the certificate's key");
  if (auto distrust = state_->distrusts(own, chain.get(), now)) return refused(std::move(*distrust));
  auto names = names_of(own, handshake.client_chain.front());
  if (!names) return refused("too many names");
  return std::move(*names);
}

}  // namespace mailroom::tls
