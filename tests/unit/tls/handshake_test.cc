// Handshakes of a ServerContext with OpenSSL's client: what is allowed, what is refused, and what is said
// about it.
#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "tests/unit/tls/test_client.h"

using namespace mailroom;
using namespace mailroom::tls;
using namespace std::chrono_literals;

namespace {

const std::string kGreeting = "* OK ready\r\n";
const std::string kLine = "a NOOP\r\n";

// The server's side of a connection whose client says one line after the greeting.
HandshakeFacts serve_one_line(TestServer& server, const SocketPair& sockets) {
  SocketStream socket{sockets.server.get(), -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 5s);
  const auto stream = TlsStream::accept(server.context(), socket);
  stream->write(kGreeting);
  std::string got(kLine.size(), '\0');
  std::size_t have = 0;
  while (have < got.size()) have += stream->read(std::span{got}.subspan(have));
  CHECK(got == kLine);
  char more;
  CHECK(stream->read(std::span{&more, 1}) == 0);
  stream->close();
  return stream->facts();
}

void speak_one_line(TestClient& client) {
  if (!client.connect()) return;
  if (client.read(kGreeting.size()) == kGreeting) client.write(kLine);
  client.close();
}

// What the server says of a handshake that must fail.
std::string refusal(TestServer& server, const SocketPair& sockets) {
  SocketStream socket{sockets.server.get(), -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 5s);
  try {
    TlsStream::accept(server.context(), socket);
  } catch (const HandshakeError& error) {
    ::shutdown(sockets.server.get(), SHUT_WR);
    return error.what();
  }
  return "no refusal";
}

}  // namespace

TEST_CASE("handshakes by version, key type and suite") {
  struct Row {
    KeyType key;
    Offer offer;
    const char* version;
    const char* suite;
    SignatureScheme scheme;
  };
  const Row row = GENERATE(
      Row{KeyType::ecdsa_p256,
          {},
          "TLSv1.3",
          "TLS_AES_128_GCM_SHA256",
          SignatureScheme::ecdsa_secp256r1_sha256},
      Row{KeyType::ecdsa_p384,
          {},
          "TLSv1.3",
          "TLS_AES_128_GCM_SHA256",
          SignatureScheme::ecdsa_secp384r1_sha384},
      Row{KeyType::rsa, {}, "TLSv1.3", "TLS_AES_128_GCM_SHA256", SignatureScheme::rsa_pss_rsae_sha256},
      Row{KeyType::rsa,
          {.schemes = "rsa_pss_rsae_sha512"},
          "TLSv1.3",
          "TLS_AES_128_GCM_SHA256",
          SignatureScheme::rsa_pss_rsae_sha512},
      Row{KeyType::ecdsa_p256,
          {.suites = "TLS_AES_256_GCM_SHA384"},
          "TLSv1.3",
          "TLS_AES_256_GCM_SHA384",
          SignatureScheme::ecdsa_secp256r1_sha256},
      Row{KeyType::ecdsa_p256,
          {.suites = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"},
          "TLSv1.3",
          "TLS_CHACHA20_POLY1305_SHA256",
          SignatureScheme::ecdsa_secp256r1_sha256},
      Row{KeyType::ecdsa_p256,
          {.max_version = TLS1_2_VERSION},
          "TLSv1.2",
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
          SignatureScheme::ecdsa_secp256r1_sha256},
      Row{KeyType::rsa,
          {.max_version = TLS1_2_VERSION},
          "TLSv1.2",
          "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
          SignatureScheme::rsa_pss_rsae_sha256},
      Row{KeyType::rsa,
          {.max_version = TLS1_2_VERSION, .schemes = "rsa_pkcs1_sha384"},
          "TLSv1.2",
          "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
          SignatureScheme::rsa_pkcs1_sha384});
  TestServer server{{{row.key, "mail.example"}}};
  const SocketPair sockets;
  BesideClient beside{sockets, row.offer, speak_one_line};
  const HandshakeFacts facts = serve_one_line(server, sockets);
  const TestClient& client = beside.finish();
  CHECK(facts.version == row.version);
  CHECK(facts.suite == row.suite);
  CHECK(client.version() == row.version);
  CHECK(client.suite() == row.suite);
  CHECK(client.certificate_name() == "mail.example");
  CHECK_FALSE(client.saw_ticket());
  CHECK(server.asked == std::vector{row.scheme});  // exactly one signature
}

TEST_CASE("the certificate follows the name that the client asks for") {
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"},
                     {KeyType::rsa, "mail.example"},
                     {KeyType::ecdsa_p256, "*.other.example"},
                     {KeyType::rsa, "old.example"}}};
  const auto shown = [&](const std::string& host_name, const std::string& schemes) {
    const SocketPair sockets;
    BesideClient beside{sockets, {.schemes = schemes, .host_name = host_name}, speak_one_line};
    const HandshakeFacts facts = serve_one_line(server, sockets);
    CHECK(facts.server_name == host_name);
    return beside.finish().certificate_name() + " " + beside.finish().signature();
  };
  const std::string ec = "ecdsa_secp256r1_sha256", rsa = "rsa_pss_rsae_sha256", both = ec + ":" + rsa;
  CHECK(shown("mail.example", both) == "mail.example id-ecPublicKey");
  CHECK(shown("MAIL.Example", both) == "mail.example id-ecPublicKey");
  CHECK(shown("mail.example", rsa) == "mail.example RSASSA-PSS");
  CHECK(shown("a.other.example", both) == "*.other.example id-ecPublicKey");
  CHECK(shown("old.example", both) == "old.example RSASSA-PSS");
  CHECK(shown("unknown.example", both) == "mail.example id-ecPublicKey");
  CHECK(shown("other.example", rsa) == "mail.example RSASSA-PSS");
  CHECK(shown("", both) == "mail.example id-ecPublicKey");
  CHECK(shown(std::string(255, 'a'), both) == "mail.example id-ecPublicKey");
  CHECK(shown("mail.example\\", both) == "mail.example id-ecPublicKey");  // CVE-2019-15846's name
}

TEST_CASE("names with and without a wildcard") {
  CHECK(name_covers("mail.example", "Mail.EXAMPLE"));
  CHECK(name_covers("*.example", "mail.example"));
  CHECK_FALSE(name_covers("*.example", "a.mail.example"));
  CHECK_FALSE(name_covers("*.example", ".example"));
  CHECK_FALSE(name_covers("*.example", "example"));
  CHECK_FALSE(name_covers("mail.example", "mail.example.org"));
}

TEST_CASE("ALPN: ours is taken, none is fine, others get no_application_protocol") {
  using namespace std::string_literals;
  constexpr int kNoApplicationProtocol = 120;  // RFC 7301 3.2
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}}, "imap"};
  SECTION("ours, among others") {
    const SocketPair sockets;
    BesideClient beside{sockets, {.protocols = "\2h2\4imap"}, speak_one_line};
    CHECK(serve_one_line(server, sockets).protocol == "imap");
    CHECK(beside.finish().protocol() == "imap");
  }
  SECTION("none") {
    const SocketPair sockets;
    BesideClient beside{sockets, {}, speak_one_line};
    CHECK(serve_one_line(server, sockets).protocol.empty());
  }
  SECTION("others") {
    const std::string protocols = GENERATE("\2h2\10http/1.1"s, "\4pop3"s, "\5imaps"s, "\3ima"s, "\4IMAP"s);
    const SocketPair sockets;
    BesideClient beside{sockets, {.protocols = protocols}, speak_one_line};
    CHECK(refusal(server, sockets) == "no application protocol");
    CHECK(beside.finish().alert() == kNoApplicationProtocol);
    CHECK(server.asked.empty());
  }
}

TEST_CASE("downgrades are refused before a signature is asked for, and said in words") {
  struct Row {
    Offer offer;
    const char* words;
  };
  constexpr int kHandshakeFailure = 40, kProtocolVersion = 70;
  const Row row = GENERATE(
      Row{{.min_version = TLS1_VERSION, .max_version = TLS1_VERSION},
          "client offers at most TLS 1.0, needed is TLS 1.2"},
      Row{{.min_version = TLS1_VERSION, .max_version = TLS1_1_VERSION},
          "client offers at most TLS 1.1, needed is TLS 1.2"},
      Row{{.max_version = TLS1_2_VERSION, .ciphers = "AES128-GCM-SHA256"},
          "no common cipher suite or key type, client offers TLS 1.2 with TLS_RSA_WITH_AES_128_GCM_SHA256"},
      Row{{.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA256"},
          "no common cipher suite or key type, client offers TLS 1.2 with "
          "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"},
      Row{{.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA:AES256-SHA"},
          "no common cipher suite or key type, client offers TLS 1.2 with "
          "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA TLS_RSA_WITH_AES_256_CBC_SHA"},
      Row{{.max_version = TLS1_2_VERSION, .ciphers = "DHE-RSA-AES128-GCM-SHA256"},
          "no common cipher suite or key type, client offers TLS 1.2 with "
          "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"},
      Row{{.max_version = TLS1_2_VERSION, .ciphers = "ADH-AES128-GCM-SHA256:@SECLEVEL=0"},
          "no common cipher suite or key type, client offers TLS 1.2 with "
          "TLS_DH_anon_WITH_AES_128_GCM_SHA256"},
      Row{{.max_version = TLS1_2_VERSION, .ciphers = "NULL-SHA256:@SECLEVEL=0"},
          "no common cipher suite or key type, client offers TLS 1.2 with TLS_RSA_WITH_NULL_SHA256"},
      Row{{.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"},  // the key is ECDSA
          "no common cipher suite or key type, client offers TLS 1.2 with "
          "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
      Row{{.schemes = "ed25519"}, "no common signature algorithm"});
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}}};
  const SocketPair sockets;
  BesideClient beside{sockets, row.offer, speak_one_line};
  CHECK_THAT(refusal(server, sockets), Catch::StartsWith(row.words));
  const int alert = beside.finish().alert();
  CHECK((alert == kHandshakeFailure || alert == kProtocolVersion));
  CHECK(server.asked.empty());
}

TEST_CASE("a client's renegotiation is refused") {
  constexpr int kNoRenegotiation = 100;  // RFC 5246 7.2.2
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}}};
  const SocketPair sockets;
  bool renegotiated = true;
  BesideClient beside{sockets, {.max_version = TLS1_2_VERSION}, [&](TestClient& client) {
                        if (client.connect()) renegotiated = client.renegotiate();
                      }};
  SocketStream socket{sockets.server.get(), -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 5s);
  const auto stream = TlsStream::accept(server.context(), socket);
  char octet;
  CHECK_THROWS_AS(stream->read(std::span{&octet, 1}), StreamError);
  CHECK(beside.finish().alert() == kNoRenegotiation);
  CHECK_FALSE(renegotiated);
  CHECK(server.asked.size() == 1);
}

TEST_CASE("what is not TLS") {
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}}};
  struct Row {
    std::string sent;
    const char* words;
  };
  const Row row = GENERATE(
      Row{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "client does not speak TLS: http request"},
      Row{"EHLO x.example\r\n", "client does not speak TLS: wrong version number"},
      Row{"X\r\n", "client closed during the handshake"}, Row{"", "client closed during the handshake"},
      Row{std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10), "length too short"});
  const SocketPair sockets;
  REQUIRE(::send(sockets.client.get(), row.sent.data(), row.sent.size(), 0) ==
          static_cast<ssize_t>(row.sent.size()));
  ::shutdown(sockets.client.get(), SHUT_WR);
  CHECK(refusal(server, sockets).starts_with(row.words));
}

TEST_CASE("a silent client meets the deadline") {
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}}};
  const SocketPair sockets;
  SocketStream socket{sockets.server.get(), -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 50ms);
  try {
    TlsStream::accept(server.context(), socket);
    FAIL("accepted");
  } catch (const HandshakeError& error) {
    CHECK(error.kind == StreamError::Kind::timeout);
  }
}

TEST_CASE("a signer that refuses ends the handshake with its words") {
  struct Refuses : Signer {
    std::expected<std::string, std::string> sign(const KeyId&, SignatureScheme,
                                                 std::string_view) noexcept override {
      return std::unexpected("too many signatures");
    }
  } refuses;
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}}};
  server.context().bind_signer(refuses);
  const SocketPair sockets;
  BesideClient beside{sockets, {}, speak_one_line};
  CHECK(refusal(server, sockets) == "no signature: too many signatures");
  CHECK(beside.finish().alert() == 80);  // internal_error
}

TEST_CASE("a server context says what is wrong with its certificates") {
  const auto trouble = [](const std::string& pem) {
    const auto made = ServerContext::make({{{{"mail.example"}, pem}}, "imap"});
    return made ? "nothing" : made.error();
  };
  CHECK_FALSE(ServerContext::make({{}, "imap"}));
  CHECK(trouble("") == "certificate of mail.example: no certificate in it");
  CHECK(trouble("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .starts_with("certificate of mail.example: not a certificate in PEM form: "));
  const std::string one = make_throwaway_identity(KeyType::ecdsa_p256, "a.example").chain_pem;
  const std::string other = make_throwaway_identity(KeyType::ecdsa_p256, "b.example").chain_pem;
  CHECK(trouble(one + other).ends_with("certificates out of order: each must be followed by its issuer's"));
}
