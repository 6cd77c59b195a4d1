// Both ends of a connection know the same bindings, and those of another connection are others.
#include "libcommon/tls/channel_bindings.h"

#include <openssl/x509.h>

#include <catch2/catch.hpp>

#include "tests/unit/tls/test_client.h"

using namespace mailroom;
using namespace mailroom::tls;
using namespace std::chrono_literals;

namespace {

// As a client computes them (RFC 9266 section 2, RFC 5929 section 4.1).
ChannelBindings bindings_of(const TestClient& client) {
  ChannelBindings bindings{std::string(32, '\0'), {}};
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  REQUIRE(SSL_export_keying_material(client.ssl(), reinterpret_cast<unsigned char*>(bindings.exporter.data()),
                                     bindings.exporter.size(), kLabel.data(), kLabel.size(), nullptr, 0,
                                     0) == 1);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{SSL_get1_peer_certificate(client.ssl()),
                                                                X509_free};
  unsigned char octets[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  REQUIRE(X509_digest(certificate.get(), EVP_sha256(), octets, &size) == 1);
  bindings.server_end_point.assign(reinterpret_cast<const char*>(octets), size);
  return bindings;
}

struct Both {
  ChannelBindings server;
  ChannelBindings client;
};

Both connect(TestServer& server, const Offer& offer) {
  const SocketPair sockets;
  Both both;
  BesideClient beside{sockets, offer, [&](TestClient& client) {
                        if (client.connect()) both.client = bindings_of(client);
                        client.read(1);
                        client.close();
                      }};
  SocketStream socket{sockets.server.get(), -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 5s);
  const auto stream = TlsStream::accept(server.context(), socket);
  both.server = stream->bindings();
  CHECK(stream->has_exporter_binding() == !both.server.exporter.empty());
  stream->write("x");
  stream->close();
  beside.finish();
  return both;
}

}  // namespace

TEST_CASE("both ends know the same bindings, whatever the key") {
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}, {KeyType::rsa, "mail.example"}}};
  const Offer offer =
      GENERATE(Offer{}, Offer{.schemes = "rsa_pss_rsae_sha256"}, Offer{.suites = "TLS_AES_256_GCM_SHA384"});
  const Both first = connect(server, offer);
  CHECK(first.server.exporter.size() == 32);
  CHECK(first.server.exporter == first.client.exporter);
  CHECK(first.server.server_end_point == first.client.server_end_point);
  const Both second = connect(server, offer);
  CHECK(second.server.exporter != first.server.exporter);
  CHECK(second.server.server_end_point == first.server.server_end_point);
}

TEST_CASE("below TLS 1.3 there is the binding to the certificate alone") {
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}, {KeyType::rsa, "mail.example"}}};
  const Offer offer = GENERATE(Offer{.max_version = TLS1_2_VERSION},
                               Offer{.max_version = TLS1_2_VERSION, .schemes = "rsa_pss_rsae_sha256"});
  const Both both = connect(server, offer);
  CHECK(both.server.exporter.empty());
  CHECK(both.server.server_end_point == both.client.server_end_point);
}

TEST_CASE("the certificate that was shown is the one that is bound to") {
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}, {KeyType::rsa, "mail.example"}}};
  CHECK(connect(server, {.schemes = "ecdsa_secp256r1_sha256"}).server.server_end_point !=
        connect(server, {.schemes = "rsa_pss_rsae_sha256"}).server.server_end_point);
}
