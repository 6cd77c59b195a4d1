#include "libcommon/tls/handshake_trial.h"

#include <openssl/err.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "libcommon/tls/certificate.h"
#include "libcommon/tls/handles.h"
#include "libcommon/tls/library.h"
#include "libcommon/tls/server_state.h"

namespace mailroom::tls {
namespace {

constexpr std::size_t kPairBuffer = 64 * 1024;  // more than any flight of messages
constexpr const char* kAllSuites = "ALL:@SECLEVEL=0";

void must(bool done) {
  if (!done) throw std::runtime_error("TLS trial: " + take_errors());
}

// The server's stream: whatever it writes the client reads at once, and what it reads is the client's answer.
class ClientInMemory : public Stream {
 public:
  explicit ClientInMemory(Version newest) {
    context_.reset(SSL_CTX_new_ex(library(), nullptr, TLS_client_method()));
    must(context_ && SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context_.get(), version_number(newest)) == 1 &&
         SSL_CTX_set_cipher_list(context_.get(), kAllSuites) == 1);
    client_.reset(SSL_new(context_.get()));
    BIO* inside = nullptr;
    BIO* outside = nullptr;
    must(client_ && BIO_new_bio_pair(&inside, kPairBuffer, &outside, kPairBuffer) == 1);
    outside_.reset(outside);
    SSL_set_bio(client_.get(), inside, inside);
    SSL_set_connect_state(client_.get());
  }

  std::size_t read(std::span<char> into) override {
    ERR_set_mark();  // what the client thinks of the handshake it says in its alert
    SSL_do_handshake(client_.get());
    ERR_pop_to_mark();
    return static_cast<std::size_t>(
        std::max(0, BIO_read(outside_.get(), into.data(), static_cast<int>(into.size()))));
  }
  void write(std::string_view bytes) override {
    BIO_write(outside_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  void set_deadline(std::chrono::steady_clock::time_point) override {}

 private:
  SslContextHandle context_;
  BioHandle outside_;
  SslHandle client_;
};

// One key of each type.
class StandIns : public Signer {
 public:
  // The certificate of the one with such a key.
  std::string chain_like(const std::string& chain_pem) {
    const auto chain = CertificateChain::parse(chain_pem);
    if (!chain) throw std::runtime_error("TLS trial: " + chain.error());
    const KeyType type = chain->key_type();
    auto found = identities_.find(type);
    if (found == identities_.end())
      found = identities_.emplace(type, make_throwaway_identity(type, "trial.invalid")).first;
    return found->second.chain_pem;
  }

  std::expected<std::string, std::string> sign(const KeyId& key, SignatureScheme scheme,
                                               std::string_view octets) noexcept override {
    for (const auto& [type, identity] : identities_)
      if (identity.key.id() == key) return LocalSigner{identity.key}.sign(key, scheme, octets);
    return std::unexpected("no such key");
  }

 private:
  std::map<KeyType, ThrowawayIdentity> identities_;
};

}  // namespace

std::expected<HandshakeFacts, std::string> try_handshake(ServerSettings settings, Version newest,
                                                         const std::optional<Tolerance>& tolerance) {
  StandIns stand_ins;
  for (ServerIdentity& identity : settings.identities)
    identity.chain_pem = stand_ins.chain_like(identity.chain_pem);
  auto server = ServerContext::make(settings);
  if (!server) return std::unexpected(server.error());
  server->bind_signer(stand_ins);
  ClientInMemory client{newest};
  try {
    return TlsStream::accept(*server, client, tolerance)->facts();
  } catch (const HandshakeError& error) {
    return std::unexpected(error.what());
  }
}

}  // namespace mailroom::tls
