#include "tests/unit/tls/test_client.h"

#include <openssl/x509.h>
#include <sys/socket.h>

#include <stdexcept>

namespace mailroom::tls {
namespace {

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("test set-up: ") + what);
}

}  // namespace

TestClient::TestClient(int socket, const Offer& offer)
    : context_{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free}, ssl_{nullptr, &SSL_free} {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_security_level(context, offer.min_version < TLS1_2_VERSION ? 0 : 1);
  require(SSL_CTX_set_min_proto_version(context, offer.min_version) == 1, "version");
  require(SSL_CTX_set_max_proto_version(context, offer.max_version) == 1, "version");
  require(offer.ciphers.empty() || SSL_CTX_set_cipher_list(context, offer.ciphers.c_str()) == 1, "ciphers");
  require(offer.suites.empty() || SSL_CTX_set_ciphersuites(context, offer.suites.c_str()) == 1, "suites");
  require(offer.schemes.empty() || SSL_CTX_set1_sigalgs_list(context, offer.schemes.c_str()) == 1, "schemes");
  require(offer.groups.empty() || SSL_CTX_set1_groups_list(context, offer.groups.c_str()) == 1, "groups");
  SSL_CTX_set_info_callback(context, note);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION*) {
    static_cast<TestClient*>(SSL_get_app_data(ssl))->saw_ticket_ = true;
    return 0;
  });
  ssl_.reset(SSL_new(context));
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_fd(ssl_.get(), socket);
  if (!offer.host_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), offer.host_name.c_str());
  const auto* protocols = reinterpret_cast<const unsigned char*>(offer.protocols.data());
  SSL_set_alpn_protos(ssl_.get(), protocols, static_cast<unsigned>(offer.protocols.size()));
}

void TestClient::note(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
    static_cast<TestClient*>(SSL_get_app_data(ssl))->alert_ = value & 0xff;
}

bool TestClient::connect() { return SSL_connect(ssl_.get()) == 1; }

bool TestClient::write(const std::string& bytes) {
  return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
         static_cast<int>(bytes.size());
}

std::string TestClient::read(std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const int more = SSL_read(ssl_.get(), bytes.data() + have, static_cast<int>(size - have));
    if (more <= 0) break;
    have += static_cast<std::size_t>(more);
  }
  bytes.resize(have);
  return bytes;
}

bool TestClient::renegotiate() {
  if (SSL_renegotiate(ssl_.get()) != 1 || SSL_do_handshake(ssl_.get()) != 1) return false;
  char octet;
  return SSL_read(ssl_.get(), &octet, 1) == 1;
}

bool TestClient::key_update(bool ask_for_one) {
  return SSL_key_update(ssl_.get(), ask_for_one ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) ==
         1;
}

bool TestClient::close() {
  SSL_shutdown(ssl_.get());
  return SSL_shutdown(ssl_.get()) == 1;
}

std::string TestClient::signature() const {
  int type = 0;
  return SSL_get_peer_signature_type_nid(ssl_.get(), &type) == 1 ? OBJ_nid2sn(type) : "none";
}

std::string TestClient::certificate_name() const {
  char name[256] = "";
  const X509* shown = SSL_get0_peer_certificate(ssl_.get());
  if (shown != nullptr)
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof name);
  return name;
}

std::string TestClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

SocketPair::SocketPair() {
  int ends[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  client.reset(ends[0]);
  server.reset(ends[1]);
}

TestServer::TestServer(const std::vector<Host>& hosts, const std::string& protocol,
                       const std::string& client_authorities_pem) {
  ServerSettings settings{{}, protocol, {}, client_authorities_pem};
  for (const Host& host : hosts) {
    ThrowawayIdentity identity = make_throwaway_identity(host.type, host.name);
    if (keys_.empty()) certificate_ = CertificateChain::parse(identity.chain_pem).value().fingerprint();
    settings.identities.push_back({{host.name}, identity.chain_pem});
    keys_.push_back(std::move(identity.key));
  }
  auto fresh = ServerContext::make(settings);
  if (!fresh) throw std::runtime_error(fresh.error());
  context_ = std::make_unique<ServerContext>(std::move(*fresh));
  context_->bind_signer(*this);
}

std::expected<std::string, std::string> TestServer::sign(const KeyId& id, SignatureScheme scheme,
                                                         std::string_view to_be_signed) noexcept {
  asked.push_back(scheme);
  for (const PrivateKey& candidate : keys_)
    if (candidate.id() == id) {
      made = {id, std::string{to_be_signed}, candidate.sign(scheme, to_be_signed)};
      return made.signature;
    }
  return std::unexpected("no such key");
}

BesideClient::BesideClient(const SocketPair& sockets, Offer offer,
                           std::function<void(TestClient&)> conversation)
    : sockets_{sockets}, client_{sockets.client.get(), offer}, thread_{[this,
                                                                        talk = std::move(conversation)] {
        talk(client_);
        ::shutdown(sockets_.client.get(), SHUT_WR);
      }} {}

BesideClient::~BesideClient() {
  if (thread_.joinable() && std::uncaught_exceptions() > 0) ::shutdown(sockets_.client.get(), SHUT_RDWR);
}

TestClient& BesideClient::finish() {
  if (thread_.joinable()) thread_.join();
  return client_;
}

}  // namespace mailroom::tls
