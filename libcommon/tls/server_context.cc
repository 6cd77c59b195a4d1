#include "libcommon/tls/server_context.h"

#include <algorithm>
#include <cctype>

#include "libcommon/tls/client_context.h"
#include "libcommon/tls/client_scheme.h"
#include "libcommon/tls/library.h"
#include "libcommon/tls/pem_certificates.h"
#include "libcommon/tls/remote_key.h"
#include "libcommon/tls/server_state.h"

namespace mailroom::tls {
namespace {

// RFC 9325 4.2; AES-128 first, it is enough and the cheapest.  ChaCha20 goes to clients that prefer it, for
// want of AES hardware.
constexpr const char* kSuites12 = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kSuites13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;  // 112 bits
// RSA first, where there is such a key: it alone signs for versions before TLS 1.2.
constexpr const char* kOldSuites = "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-GCM-SHA256:"
                                   "DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA";
constexpr int kOldSecurityLevel = 0;  // SHA-1 and MD5 in the handshake of TLS 1.0 and 1.1

constexpr std::uint64_t kOptions = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

const ServerContext::State& state_of(void* argument) {
  return *static_cast<const ServerContext::State*>(argument);
}

// ---- OpenSSL's callbacks.

int note_client_hello(SSL* ssl, int*, void*) {
  if (ConnectionNotes* notes = notes_of(ssl); notes != nullptr) notes->offer = read_offer(ssl);
  return SSL_CLIENT_HELLO_SUCCESS;
}

int choose_identity(SSL* ssl, int*, void* argument) {
  const char* host_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (host_name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  ConnectionNotes* notes = notes_of(ssl);
  if (notes != nullptr) notes->offer.server_name = host_name;
  SSL_CTX* context = state_of(argument).context_for(host_name);
  if (context == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_SSL_CTX(ssl, context);
  // A part of what a connection tolerates goes with its certificate.
  const bool is_set = notes == nullptr || !notes->tolerance || tolerate(ssl, *notes->tolerance);
  return is_set ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// `offered` is a list of names, each behind its length (RFC 7301 3.1); OpenSSL has checked its form.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void* argument) {
  const std::string& ours = state_of(argument).protocol;
  for (unsigned i = 0; i < offered_size; i += 1U + offered[i]) {
    const std::string_view name{reinterpret_cast<const char*>(offered) + i + 1, offered[i]};
    if (name != ours) continue;
    *chosen = offered + i + 1;
    *chosen_size = offered[i];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The version is known by then: a client of TLS 1.2 is not asked.
int ask_for_certificate(SSL* ssl, void*) {
  const bool asks = SSL_version(ssl) >= TLS1_3_VERSION;
  SSL_set_verify(ssl, asks ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  return 1;
}

// What the client shows is certd's to look at; here it is enough that the client has its key.
int take_any_certificate(X509_STORE_CTX*, void*) { return 1; }

// ---- Set-up.

std::string signature_schemes(const std::vector<const CertificateChain*>& chains) {
  std::string list;
  for (int i = 0; i <= static_cast<int>(SignatureScheme::kLast); ++i) {
    const auto scheme = static_cast<SignatureScheme>(i);
    if (scheme == SignatureScheme::rsa_pkcs1_md5_sha1) continue;  // of versions that have no such list
    if (std::ranges::none_of(chains,
                             [&](const auto* chain) { return scheme_fits(scheme, chain->key_type()); }))
      continue;
    if (!list.empty()) list += ':';
    list += scheme_row(scheme).name;
  }
  return list;
}

// Who asks for old ciphers talks to devices that nothing else reaches: everything that is left to choose from
// has forward secrecy and at least 112 bits, but for the digests of TLS 1.1 and before.
std::string suites_of(const Tolerance& tolerance) {
  return tolerance.old_ciphers ? std::string{kSuites12} + ":" + kOldSuites : kSuites12;
}

int security_level_of(const Tolerance& tolerance) {
  return tolerance.old_ciphers ? kOldSecurityLevel : kSecurityLevel;
}

bool set_rules(SSL_CTX* context, const ServerContext::State& state, const std::string& schemes) {
  SSL_CTX_set_options(context, kOptions);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_security_level(context, security_level_of(state.tolerance));
  return SSL_CTX_set_min_proto_version(context, version_number(state.tolerance.oldest)) == 1 &&
         SSL_CTX_set_cipher_list(context, suites_of(state.tolerance).c_str()) == 1 &&
         SSL_CTX_set_dh_auto(context, state.tolerance.old_ciphers ? 1 : 0) == 1 &&
         SSL_CTX_set_ciphersuites(context, kSuites13) == 1 &&
         SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
         SSL_CTX_set1_sigalgs_list(context, schemes.c_str()) == 1 &&
         SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1;
}

bool set_callbacks(SSL_CTX* context, ServerContext::State& state) {
  SSL_CTX_set_client_hello_cb(context, note_client_hello, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, choose_identity);
  SSL_CTX_set_tlsext_servername_arg(context, &state);
  if (state.may_move) SSL_CTX_set_keylog_callback(context, note_secret);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, &state);
  const auto* service = reinterpret_cast<const unsigned char*>(state.protocol.data());
  return SSL_CTX_set_session_id_context(context, service, static_cast<unsigned>(state.protocol.size())) == 1;
}

std::string client_schemes() {
  std::string list = kSchemesOfCertificates;
  for (const ClientSchemeRow& row : kClientSchemes) list = row.name + (":" + list);
  return list;
}

// Clients choose among their certificates by the authorities' names (RFC 8446 4.2.4).
bool ask_clients(SSL_CTX* context, const ServerContext::State& state) {
  for (const auto& authority : state.client_authorities)
    if (SSL_CTX_add_client_CA(context, authority.get()) != 1) return false;
  SSL_CTX_set_cert_cb(context, ask_for_certificate, nullptr);
  SSL_CTX_set_cert_verify_callback(context, take_any_certificate, nullptr);
  SSL_CTX_set_max_cert_list(context, kMaxClientCertificates);
  return SSL_CTX_set1_client_sigalgs_list(context, client_schemes().c_str()) == 1;
}

bool use_chain(SSL_CTX* context, const CertificateChain& chain, SignerSlot& slot) {
  const auto& certificates = chain.certificates();
  const PkeyHandle key = make_remote_key(certificates.front().get(), slot);
  const Handle<STACK_OF(X509), [](STACK_OF(X509) * stack) { sk_X509_free(stack); }> others{
      sk_X509_new_null()};
  if (!key || !others) return false;
  for (std::size_t i = 1; i < certificates.size(); ++i) sk_X509_push(others.get(), certificates[i].get());
  return SSL_CTX_use_cert_and_key(context, certificates.front().get(), key.get(), others.get(), 0) == 1;
}

// The identity itself and, for each other key type, the first identity with the same first name.
std::vector<const CertificateChain*> group_of(const LoadedIdentity& identity,
                                              const std::deque<LoadedIdentity>& all) {
  std::vector<const CertificateChain*> group{&identity.chain};
  for (const LoadedIdentity& other : all) {
    const bool same_host = !identity.names.empty() && !other.names.empty() &&
                           same_ignoring_case(identity.names.front(), other.names.front());
    const bool new_type = std::ranges::none_of(
        group, [&](const auto* chain) { return chain->key_type() == other.chain.key_type(); });
    if (same_host && new_type) group.push_back(&other.chain);
  }
  return group;
}

}  // namespace

int version_number(Version version) {
  constexpr int kNumbers[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
  return kNumbers[static_cast<std::size_t>(version)];
}

bool name_covers(std::string_view certificate_name, std::string_view host_name) {
  if (!certificate_name.starts_with("*.")) return same_ignoring_case(certificate_name, host_name);
  const std::size_t dot = host_name.find('.');
  return dot != std::string_view::npos && dot > 0 &&
         same_ignoring_case(certificate_name.substr(1), host_name.substr(dot));
}

SSL_CTX* ServerContext::State::context_for(std::string_view host_name) const {
  for (const LoadedIdentity& identity : identities)
    for (const std::string& name : identity.names)
      if (name_covers(name, host_name)) return identity.context.get();
  return nullptr;
}

bool tolerate(SSL* ssl, const Tolerance& tolerance) {
  SSL_set_security_level(ssl, security_level_of(tolerance));
  return SSL_set_min_proto_version(ssl, version_number(tolerance.oldest)) == 1 &&
         SSL_set_cipher_list(ssl, suites_of(tolerance).c_str()) == 1 &&
         SSL_set_dh_auto(ssl, tolerance.old_ciphers ? 1 : 0) == 1;
}

SslContextHandle build_context(ServerContext::State& state,
                               const std::vector<const CertificateChain*>& chains) {
  SslContextHandle context{SSL_CTX_new_ex(library(), nullptr, TLS_server_method())};
  if (!context || !set_rules(context.get(), state, signature_schemes(chains)) ||
      !set_callbacks(context.get(), state))
    return {};
  if (!state.client_authorities.empty() && !ask_clients(context.get(), state)) return {};
  for (const CertificateChain* chain : chains)
    if (!use_chain(context.get(), *chain, state.slot)) return {};
  return context;
}

ServerContext::ServerContext(std::unique_ptr<State> state) : state_{std::move(state)} {}
ServerContext::ServerContext(ServerContext&&) noexcept = default;
ServerContext& ServerContext::operator=(ServerContext&&) noexcept = default;
ServerContext::~ServerContext() = default;

std::expected<ServerContext, std::string> ServerContext::make(const ServerSettings& settings) {
  if (settings.identities.empty()) return std::unexpected("no certificate");
  auto state = std::make_unique<State>();
  state->protocol = settings.protocol;
  state->tolerance = settings.tolerance;
  state->may_move = settings.may_move;
  const auto describe = [](const ServerIdentity& identity, const std::string& trouble) {
    return "certificate of " + (identity.names.empty() ? "(no name)" : identity.names.front()) + ": " +
           trouble;
  };
  if (!settings.client_authorities_pem.empty()) {
    auto authorities = read_certificates(settings.client_authorities_pem, kMaxAuthorities);
    if (!authorities) return std::unexpected("authorities of clients: " + authorities.error());
    state->client_authorities = std::move(*authorities);
  }
  for (const ServerIdentity& identity : settings.identities) {
    auto chain = CertificateChain::parse(identity.chain_pem);
    if (!chain) return std::unexpected(describe(identity, chain.error()));
    state->identities.push_back({identity.names, std::move(*chain), nullptr});
  }
  for (std::size_t i = 0; i < state->identities.size(); ++i) {
    LoadedIdentity& identity = state->identities[i];
    identity.context = build_context(*state, group_of(identity, state->identities));
    if (!identity.context) return std::unexpected(describe(settings.identities[i], take_errors()));
  }
  return ServerContext{std::move(state)};
}

void ServerContext::bind_signer(Signer& signer) { state_->slot.signer = &signer; }

std::vector<KeyId> ServerContext::key_ids() const {
  std::vector<KeyId> ids;
  for (const LoadedIdentity& identity : state_->identities) ids.push_back(identity.chain.key());
  return ids;
}

}  // namespace mailroom::tls
