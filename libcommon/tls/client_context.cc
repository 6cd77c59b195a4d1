#include "libcommon/tls/client_context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdexcept>

#include "libcommon/tls/authority_store.h"
#include "libcommon/tls/client_state.h"
#include "libcommon/tls/library.h"
#include "libcommon/tls/pem_certificates.h"
#include "libcommon/tls/stream_state.h"

namespace mailroom::tls {
namespace {

using routing::TlsLevel;
using routing::TlsRequirement;

// Forward secrecy and AEAD (RFC 9325 4.2); finite-field DHE for servers that have nothing else.
constexpr const char* kStrictSuites =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!aPSK:!aDSS";
constexpr int kStrictSecurity = 2;  // 112 bits

// Plaintext is what comes instead (RFC 7435).
constexpr const char* kLenientSuites = "HIGH:!aNULL:!kPSK:!kSRP";
constexpr int kLenientSecurity = 1;
constexpr const char* kOldSuites = "HIGH:MEDIUM:!aNULL:!kPSK:!kSRP:!RC4:!DES";
constexpr int kOldSecurity = 0;  // TLS 1.0 and 1.1 sign with SHA-1 and MD5

constexpr const char* kSuites13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384:P-521";
constexpr std::uint64_t kOptions = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET;

// RFC 6698 2.1.1
constexpr std::uint8_t kDaneTa = 2;
constexpr std::uint8_t kDaneEe = 3;

struct Rules {
  const char* suites;
  int security;
  int oldest_version;
  std::uint64_t further_options;
};
constexpr Rules kStrict{kStrictSuites, kStrictSecurity, TLS1_2_VERSION, 0};
constexpr Rules kLenient{kLenientSuites, kLenientSecurity, TLS1_2_VERSION, SSL_OP_LEGACY_SERVER_CONNECT};
constexpr Rules kOld{kOldSuites, kOldSecurity, TLS1_VERSION, SSL_OP_LEGACY_SERVER_CONNECT};

SslContextHandle make_context(const Rules& rules) {
  SslContextHandle context{SSL_CTX_new_ex(library(), nullptr, TLS_client_method())};
  if (!context) return {};
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_options(raw, kOptions | rules.further_options);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_security_level(raw, rules.security);
  const bool set = SSL_CTX_set_min_proto_version(raw, rules.oldest_version) == 1 &&
                   SSL_CTX_set_cipher_list(raw, rules.suites) == 1 &&
                   SSL_CTX_set_ciphersuites(raw, kSuites13) == 1 &&
                   SSL_CTX_set1_groups_list(raw, kGroups) == 1 && SSL_CTX_dane_enable(raw) == 1;
  return set ? std::move(context) : SslContextHandle{};
}

std::expected<void, std::string> trust(SSL_CTX* context, const std::string& bundle) {
  const auto authorities = read_certificates(bundle, kMaxAuthorities);
  if (!authorities) return std::unexpected(authorities.error());
  if (authorities->empty() && !bundle.empty()) return std::unexpected("no certificate in it");
  if (!add_authorities(SSL_CTX_get_cert_store(context), *authorities)) return std::unexpected(take_errors());
  return {};
}

// ---- What one handshake asks for.

bool name_server(SSL* ssl, const TlsRequirement& required) {
  return required.names.empty() || SSL_set_tlsext_host_name(ssl, required.names.front().c_str()) == 1;
}

bool expect_names(SSL* ssl, const TlsRequirement& required, unsigned flags) {
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | flags);
  for (const std::string& name : required.names)
    if (SSL_add1_host(ssl, name.c_str()) != 1) return false;
  return !required.names.empty();
}

// How many of the records OpenSSL can use.
int expect_records(SSL* ssl, const TlsRequirement& required) {
  int usable = 0;
  for (const dns::Tlsa& record : required.tlsa) {
    if (record.usage != kDaneTa && record.usage != kDaneEe) continue;
    const auto* data = reinterpret_cast<const unsigned char*>(record.data.data());
    if (SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching, data, record.data.size()) > 0)
      ++usable;
  }
  ERR_clear_error();
  return usable;
}

ClientFailure unusable(std::string result, std::string words) {
  return {ClientFailure::Kind::certificate, std::move(result), std::move(words)};
}

std::expected<void, ClientFailure> prepare_dane(SSL* ssl, const TlsRequirement& required) {
  if (required.names.empty() || SSL_dane_enable(ssl, required.names.front().c_str()) != 1)
    return std::unexpected(unusable("validation-failure", "no name to expect: " + take_errors()));
  SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  if (expect_records(ssl, required) == 0)
    return std::unexpected(unusable("tlsa-invalid", "none of the TLSA records can be used"));
  if (!expect_names(ssl, required, 0))
    return std::unexpected(unusable("validation-failure", "bad name to expect: " + take_errors()));
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  return {};
}

std::expected<void, ClientFailure> prepare_certificate(SSL* ssl, const TlsRequirement& required) {
  if (!expect_names(ssl, required, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
    return std::unexpected(unusable("validation-failure", "no name to expect: " + take_errors()));
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  return {};
}

std::expected<void, ClientFailure> prepare(SSL* ssl, const TlsRequirement& required) {
  SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
  if (!name_server(ssl, required))
    return std::unexpected(unusable("validation-failure", "no name for SNI: " + take_errors()));
  switch (required.level) {
  case TlsLevel::never:
    throw std::logic_error("TLS is started where it is never wanted");
  case TlsLevel::may:
  case TlsLevel::encrypt:
    // OpenSSL checks the certificate all the same, and goes on whatever comes of it.
    if (required.report_only) expect_names(ssl, required, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return {};
  case TlsLevel::dane:
    return prepare_dane(ssl, required);
  case TlsLevel::certificate:
    return prepare_certificate(ssl, required);
  }
  throw std::logic_error("unknown TLS level");
}

// ---- What became of it.

const char* result_type(long verdict) {  // RFC 8460 4.3.1
  switch (verdict) {
  case X509_V_ERR_HOSTNAME_MISMATCH:
    return "certificate-host-mismatch";
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return "certificate-expired";
  default:
    return "certificate-not-trusted";
  }
}

// For the log and for reports: a peer may have named its certificates as it likes, OpenSSL's words are fixed.
ClientFailure explain(TlsStream::State& stream) {
  const std::string trouble = take_errors();
  const long verdict = SSL_get_verify_result(stream.ssl.get());
  if (SSL_get_verify_mode(stream.ssl.get()) != SSL_VERIFY_NONE && verdict != X509_V_OK)
    return unusable(result_type(verdict),
                    std::string("certificate: ") + X509_verify_cert_error_string(verdict));
  try {
    stream.transport.throw_failure();
  } catch (const Stopped&) {
    throw;
  } catch (const StreamError& error) {
    return {ClientFailure::Kind::connection, "validation-failure",
            std::string("during the TLS handshake: ") + error.what()};
  }
  if (stream.transport.ended)
    return {ClientFailure::Kind::connection, "validation-failure",
            "the server closed during the TLS handshake"};
  return {ClientFailure::Kind::handshake, "validation-failure", "TLS handshake: " + trouble};
}

}  // namespace

SSL_CTX* ClientContext::State::context_for(TlsLevel level) const {
  return level == TlsLevel::may ? lenient.get() : strict.get();
}

ClientContext::ClientContext(std::unique_ptr<State> state) : state_{std::move(state)} {}
ClientContext::ClientContext(ClientContext&&) noexcept = default;
ClientContext& ClientContext::operator=(ClientContext&&) noexcept = default;
ClientContext::~ClientContext() = default;

std::expected<ClientContext, std::string> ClientContext::make(const ClientSettings& settings) {
  auto state = std::make_unique<State>();
  state->strict = make_context(kStrict);
  state->lenient = make_context(settings.old_versions ? kOld : kLenient);
  if (!state->strict || !state->lenient) return std::unexpected("TLS client: " + take_errors());
  if (const auto trusted = trust(state->strict.get(), settings.authorities_pem); !trusted)
    return std::unexpected("authorities: " + trusted.error());
  SSL_CTX_set1_cert_store(state->lenient.get(), SSL_CTX_get_cert_store(state->strict.get()));
  return ClientContext{std::move(state)};
}

std::expected<std::unique_ptr<TlsStream>, ClientFailure>
ClientContext::start(Stream& transport, const TlsRequirement& required) {
  auto stream = std::make_unique<TlsStream::State>(nullptr, transport);
  stream->make_ssl(state_->context_for(required.level));
  SSL* const ssl = stream->ssl.get();
  if (const auto ready = prepare(ssl, required); !ready) return std::unexpected(ready.error());
  ERR_clear_error();
  if (SSL_connect(ssl) != 1 || !stream->transport.flush()) {
    stream->broken = true;
    stream->transport.flush();  // the alert
    return std::unexpected(explain(*stream));
  }
  stream->note_facts();
  if (!required.names.empty()) stream->facts.server_name = required.names.front();
  if (const long verdict = SSL_get_verify_result(ssl); required.report_only && verdict != X509_V_OK)
    stream->facts.trouble = result_type(verdict);
  return std::make_unique<TlsStream>(std::move(stream));
}

}  // namespace mailroom::tls
