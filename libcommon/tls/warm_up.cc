// Handshakes in memory, of a server or a client with a partner made on the spot.
#include <openssl/err.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "libcommon/tls/client_state.h"
#include "libcommon/tls/library.h"
#include "libcommon/tls/record_key.h"
#include "libcommon/tls/server_state.h"

namespace mailroom::tls {
namespace {

constexpr std::size_t kPairBuffer = 64 * 1024;  // more than any flight of messages
constexpr int kMaxFlights = 8;                  // a handshake has at most 5

// Two SSL objects that talk to each other.
struct Pair {
  SslHandle client;
  SslHandle server;
};

Pair connect_in_memory(SSL_CTX* client_context, SSL_CTX* server_context) {
  Pair pair{SslHandle{SSL_new(client_context)}, SslHandle{SSL_new(server_context)}};
  BIO* client_end = nullptr;
  BIO* server_end = nullptr;
  if (!pair.client || !pair.server ||
      BIO_new_bio_pair(&client_end, kPairBuffer, &server_end, kPairBuffer) != 1)
    throw std::runtime_error("TLS warm-up: " + take_errors());
  SSL_set_bio(pair.client.get(), client_end, client_end);
  SSL_set_bio(pair.server.get(), server_end, server_end);
  SSL_set_connect_state(pair.client.get());
  SSL_set_accept_state(pair.server.get());
  return pair;
}

void do_handshake(const Pair& pair) {
  for (int flight = 0; flight < kMaxFlights; ++flight) {
    const int client = SSL_do_handshake(pair.client.get());
    const int server = SSL_do_handshake(pair.server.get());
    if (client == 1 && server == 1) return;
  }
  throw std::runtime_error("TLS warm-up: " + take_errors());
}

void exchange_and_close(const Pair& pair) {
  std::array<char, 64> buffer{};
  SSL* const client = pair.client.get();
  SSL* const server = pair.server.get();
  const bool exchanged =
      SSL_write(client, "NOOP\r\n", 6) == 6 && SSL_read(server, buffer.data(), buffer.size()) == 6 &&
      SSL_write(server, "OK\r\n", 4) == 4 && SSL_read(client, buffer.data(), buffer.size()) == 4;
  if (!exchanged) throw std::runtime_error("TLS warm-up: " + take_errors());
  SSL_shutdown(server);
  SSL_shutdown(client);
  SSL_shutdown(server);
}

void handshake_once(SSL_CTX* client_context, SSL_CTX* server_context, int version) {
  const Pair pair = connect_in_memory(client_context, server_context);
  SSL* const client = pair.client.get();
  if (SSL_set_min_proto_version(client, version) != 1 || SSL_set_max_proto_version(client, version) != 1)
    throw std::runtime_error("TLS warm-up: " + take_errors());
  SSL_set_verify(client, SSL_VERIFY_NONE, nullptr);
  SSL_set_tlsext_host_name(client, "warm-up.invalid");
  do_handshake(pair);
  exchange_and_close(pair);
}

void serve_once(SSL_CTX* server_context, int version) {
  const SslContextHandle client_context{SSL_CTX_new_ex(library(), nullptr, TLS_client_method())};
  if (!client_context) throw std::runtime_error("TLS warm-up: " + take_errors());
  handshake_once(client_context.get(), server_context, version);
}

}  // namespace

void ServerContext::warm_up() {
  const ThrowawayIdentity identity = make_throwaway_identity(KeyType::ecdsa_p256, "warm-up.invalid");
  const auto chain = CertificateChain::parse(identity.chain_pem);
  if (!chain) throw std::runtime_error("TLS warm-up: " + chain.error());
  LocalSigner signer{identity.key};
  Signer* const bound = std::exchange(state_->slot.signer, &signer);
  const SslContextHandle context = build_context(*state_, {&*chain});
  if (!context) throw std::runtime_error("TLS warm-up: " + take_errors());
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) serve_once(context.get(), version);
  state_->slot.signer = bound;
  for (int i = 0; i <= static_cast<int>(Suite::kLast); ++i) warm_record_protection(static_cast<Suite>(i));
  ERR_clear_error();
}

void ClientContext::warm_up() {
  const ThrowawayIdentity identity = make_throwaway_identity(KeyType::ecdsa_p256, "warm-up.invalid");
  const auto chain = CertificateChain::parse(identity.chain_pem);
  const SslContextHandle partner{SSL_CTX_new_ex(library(), nullptr, TLS_server_method())};
  if (!chain || !partner || SSL_CTX_set_num_tickets(partner.get(), 0) != 1 ||
      SSL_CTX_use_cert_and_key(partner.get(), chain->certificates().front().get(), identity.key.handle(),
                               nullptr, 1) != 1)
    throw std::runtime_error("TLS warm-up: " + take_errors());
  for (SSL_CTX* const context : {state_->strict.get(), state_->lenient.get()})
    for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION})
      handshake_once(context, partner.get(), version);
  ERR_clear_error();
}

}  // namespace mailroom::tls
