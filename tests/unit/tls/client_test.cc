// ClientContext: whom it believes, at each level, and what it makes of servers that misbehave.
#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "libcommon/tls/client_context.h"
#include "tests/unit/tls/test_authority.h"

using namespace mailroom;
using namespace mailroom::tls;
using namespace std::chrono_literals;
using routing::TlsLevel;
using routing::TlsRequirement;

namespace {

const Identity& authority() {
  static const Identity made = self_signed({.common_name = "Test authority", .authority = true});
  return made;
}

ClientContext make_client(bool old_versions = false) {
  auto made = ClientContext::make({authority().pem(), old_versions});
  if (!made) throw std::runtime_error(made.error());
  return std::move(*made);
}

struct Outcome {
  std::string result;  // RFC 8460 result type; "ok" after a handshake
  std::string words;
  ClientFailure::Kind kind{};
  std::string version;
  std::string trouble;
  std::string server_name;  // as the server saw it
  int alert = -1;           // that the server got
};

Outcome meet_with(ClientContext client, const Identity& shown, const TlsRequirement& required,
                  const Offers& offers = {}) {
  const SocketPair sockets;
  SocketStream socket{sockets.client.get(), -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 5s);
  BesideServer server{sockets, shown, offers};
  auto stream = client.start(socket, required);
  Outcome outcome{.result = stream ? "ok" : stream.error().result};
  if (stream) {
    outcome.version = (*stream)->facts().version;
    outcome.trouble = (*stream)->facts().trouble;
    (*stream)->close();
  } else {
    outcome.words = stream.error().words;
    outcome.kind = stream.error().kind;
  }
  ::shutdown(sockets.client.get(), SHUT_WR);
  server.finish();
  outcome.server_name = server.server_name;
  outcome.alert = server.alert;
  return outcome;
}

Outcome meet(const Identity& shown, const TlsRequirement& required, const Offers& offers = {},
             bool old_versions = false) {
  return meet_with(make_client(old_versions), shown, required, offers);
}

TlsRequirement by_certificate(std::vector<std::string> names) {
  return {.level = TlsLevel::certificate, .names = std::move(names)};
}

TlsRequirement by_dane(std::vector<dns::Tlsa> records, std::vector<std::string> names = {"mx.example"}) {
  return {.level = TlsLevel::dane, .names = std::move(names), .tlsa = std::move(records)};
}

std::string presented(const Identity& identity, std::uint8_t selector) {
  return selector == 0 ? identity.der() : identity.public_key_der();
}

dns::Tlsa record(std::uint8_t usage, std::uint8_t selector, std::uint8_t matching, const Identity& identity) {
  const std::string octets = presented(identity, selector);
  return {usage, selector, matching,
          matching == 0   ? octets
          : matching == 1 ? sha256(octets)
                          : sha512(octets)};
}

}  // namespace

TEST_CASE(
    "certificate: DNS-IDs of subjectAltName, the whole leftmost label wild (RFC 8461 4.1, RFC 6125 6.4)") {
  struct Row {
    const char* why;
    std::string common_name;
    std::vector<std::string> shown;
    std::vector<std::string> wanted;
    std::string result;
  };
  const std::string mismatch = "certificate-host-mismatch";
  const Row row = GENERATE_COPY(values<Row>({
      {"the name", "x", {"mx.example"}, {"mx.example"}, "ok"},
      {"in another case", "x", {"MX.Example"}, {"mx.example"}, "ok"},
      {"one of several shown", "x", {"a.example", "mx.example"}, {"mx.example"}, "ok"},
      {"one of several wanted", "x", {"b.example"}, {"mx.example", "b.example"}, "ok"},
      {"another name", "x", {"mx2.example"}, {"mx.example"}, mismatch},
      {"the name as CN alone", "mx.example", {}, {"mx.example"}, mismatch},
      {"the name as CN beside another DNS-ID", "mx.example", {"other.example"}, {"mx.example"}, mismatch},
      {"a wild leftmost label", "x", {"*.mail.example"}, {"mx.mail.example"}, "ok"},
      {"a wild label is not two", "x", {"*.example.org"}, {"a.b.example.org"}, mismatch},
      {"a wild label is not none", "x", {"*.example.org"}, {"example.org"}, mismatch},
      {"half a wild label", "x", {"m*.mail.example"}, {"mx.mail.example"}, mismatch},
      {"a wild label further right", "x", {"mx.*.example"}, {"mx.mail.example"}, mismatch},
      {"a wild domain under a top-level domain", "x", {"*.com"}, {"evil.com"}, mismatch},
      {"a NUL within", "x", {std::string("mx.example\0.evil.com", 20)}, {"mx.example"}, mismatch},
      {"a NUL within the CN", std::string("mx.example\0.evil.com", 20), {}, {"mx.example"}, mismatch},
  }));
  INFO(row.why);
  const Identity shown = signed_by(authority(), {.common_name = row.common_name, .names = row.shown});
  const Outcome outcome = meet(shown, by_certificate(row.wanted));
  CHECK(outcome.result == row.result);
  CHECK(outcome.server_name == row.wanted.front());
  if (row.result == mismatch) CHECK(outcome.alert == SSL_AD_BAD_CERTIFICATE);
}

TEST_CASE("certificate: chains") {
  const Says good{.names = {"mx.example"}};
  const TlsRequirement required = by_certificate({"mx.example"});
  SECTION("self-signed") { CHECK(meet(self_signed(good), required).result == "certificate-not-trusted"); }
  SECTION("another authority") {
    const Identity other = self_signed({.common_name = "Test authority", .authority = true});
    CHECK(meet(signed_by(other, good), required).result == "certificate-not-trusted");
  }
  SECTION("expired") {
    const Says old{.names = {"mx.example"}, .begins = -7200, .ends = -60};
    const Outcome outcome = meet(signed_by(authority(), old), required);
    CHECK(outcome.result == "certificate-expired");
    CHECK(outcome.words == "certificate: certificate has expired");
    CHECK(outcome.kind == ClientFailure::Kind::certificate);
  }
  SECTION("not yet valid") {
    const Says early{.names = {"mx.example"}, .begins = 60};
    CHECK(meet(signed_by(authority(), early), required).result == "certificate-not-trusted");
  }
  SECTION("by an intermediate that is shown") {
    const Identity between = signed_by(authority(), {.common_name = "Between", .authority = true});
    Identity shown = signed_by(between, good);
    CHECK(meet(shown, required).result == "certificate-not-trusted");
    shown.others = {between.certificate};
    CHECK(meet(shown, required).result == "ok");
  }
  SECTION("by one that is no authority") {
    const Identity host = signed_by(authority(), {.names = {"host.example"}});
    Identity shown = signed_by(host, good);
    shown.others = {host.certificate};
    CHECK(meet(shown, required).result == "certificate-not-trusted");
  }
  SECTION("no name is wanted: nothing is believed") {
    const Outcome outcome = meet(signed_by(authority(), good), by_certificate({}));
    CHECK(outcome.result == "validation-failure");
  }
}

TEST_CASE("certificate: authorities of the same name are told apart by their keys") {
  static const Identity older = self_signed({.common_name = "Test authority", .authority = true});
  static const Identity newer = self_signed({.common_name = "Test authority", .authority = true});
  const Identity& issuer = *GENERATE(&older, &newer, &authority());
  const std::string bundle = older.pem() + authority().pem() + newer.pem();
  auto client = ClientContext::make({bundle});
  REQUIRE(client.has_value());
  const Identity shown = signed_by(issuer, {.names = {"mx.example"}});
  CHECK(meet_with(std::move(*client), shown, by_certificate({"mx.example"})).result == "ok");
}

TEST_CASE("certificate: without authorities nobody is believed; a bundle without certificates is an error") {
  CHECK(ClientContext::make({.authorities_pem = "nothing"}).error() == "authorities: no certificate in it");
  CHECK_FALSE(ClientContext::make({.authorities_pem = authority().pem().substr(0, 200)}).has_value());
  auto client = ClientContext::make({});
  REQUIRE(client.has_value());
  const SocketPair sockets;
  SocketStream socket{sockets.client.get(), -1};
  const Identity shown = signed_by(authority(), {.names = {"mx.example"}});
  BesideServer server{sockets, shown};
  CHECK(client->start(socket, by_certificate({"mx.example"})).error().result == "certificate-not-trusted");
}

TEST_CASE("dane: DANE-EE(3) matches whatever names and dates (RFC 7672 3.1.1)") {
  const std::uint8_t selector = GENERATE(0, 1);
  const std::uint8_t matching = GENERATE(0, 1, 2);
  const Identity shown = self_signed({.common_name = "elsewhere", .begins = -7200, .ends = -60});
  const Outcome outcome = meet(shown, by_dane({record(3, selector, matching, shown)}));
  CHECK(outcome.result == "ok");
  CHECK(outcome.server_name == "mx.example");
}

TEST_CASE("dane: DANE-TA(2) with names and dates (RFC 7672 3.1.2, 3.2.3)") {
  const std::uint8_t selector = GENERATE(0, 1);
  const std::uint8_t matching = GENERATE(0, 1, 2);
  const Identity anchor = self_signed({.common_name = "Own authority", .authority = true});
  const auto shown_with = [&](const Says& says) {
    Identity shown = signed_by(anchor, says);
    shown.others = {anchor.certificate};
    return shown;
  };
  const auto records = std::vector{record(2, selector, matching, anchor)};
  CHECK(meet(shown_with({.names = {"mx.example"}}), by_dane(records)).result == "ok");
  CHECK(meet(shown_with({.names = {"domain.example"}}), by_dane(records, {"mx.example", "domain.example"}))
            .result == "ok");
  CHECK(meet(shown_with({.names = {"other.example"}}), by_dane(records)).result ==
        "certificate-host-mismatch");
  CHECK(meet(shown_with({.names = {"mx.example"}, .begins = -7200, .ends = -60}), by_dane(records)).result ==
        "certificate-expired");
}

TEST_CASE("dane: what does not match") {
  const Identity shown = signed_by(authority(), {.names = {"mx.example"}});
  const Identity other = self_signed({.names = {"mx.example"}});
  SECTION("another key; the system's authorities do not help") {
    const Outcome outcome = meet(shown, by_dane({record(3, 1, 1, other)}));
    CHECK(outcome.result == "certificate-not-trusted");
    CHECK(outcome.kind == ClientFailure::Kind::certificate);
    CHECK(outcome.alert >= 0);
  }
  SECTION("one of two records matches: key rollover") {
    CHECK(meet(shown, by_dane({record(3, 1, 1, other), record(3, 1, 1, shown)})).result == "ok");
  }
  SECTION("of a key's digests the strongest counts (RFC 7671 9)") {
    CHECK(meet(shown, by_dane({record(3, 1, 1, other), record(3, 1, 2, shown)})).result == "ok");
    CHECK(meet(shown, by_dane({record(3, 1, 1, shown), record(3, 1, 2, other)})).result ==
          "certificate-not-trusted");
  }
  SECTION("PKIX-TA(0) and PKIX-EE(1) cannot be used (RFC 7672 3.1.3)") {
    const Outcome outcome = meet(shown, by_dane({record(0, 0, 1, authority()), record(1, 1, 1, shown)}));
    CHECK(outcome.result == "tlsa-invalid");
  }
  SECTION("malformed records cannot be used") {
    dns::Tlsa cut = record(3, 1, 1, shown);
    cut.data.pop_back();
    dns::Tlsa unknown = record(3, 1, 1, shown);
    unknown.matching = 9;
    CHECK(meet(shown, by_dane({cut, unknown, {3, 0, 0, "no certificate"}})).result == "tlsa-invalid");
    CHECK(meet(shown, by_dane({cut, unknown, record(3, 1, 1, shown)})).result == "ok");
  }
}

TEST_CASE("may and encrypt: whatever the certificate, with SNI") {
  const TlsLevel level = GENERATE(TlsLevel::may, TlsLevel::encrypt);
  const Identity shown = self_signed({.common_name = "elsewhere", .begins = -7200, .ends = -60});
  const Outcome outcome = meet(shown, {.level = level, .names = {"mx.example"}});
  CHECK(outcome.result == "ok");
  CHECK(outcome.server_name == "mx.example");
  CHECK(meet(shown, {.level = level}).server_name.empty());
}

TEST_CASE("report_only: what is wrong with the certificate is said, and changes nothing (RFC 8461 5)") {
  const TlsRequirement testing{.level = TlsLevel::may, .names = {"mx.example"}, .report_only = true};
  const auto trouble_of = [&](const Identity& shown) {
    const Outcome outcome = meet(shown, testing);
    CHECK(outcome.result == "ok");
    return outcome.trouble;
  };
  CHECK(trouble_of(signed_by(authority(), {.names = {"mx.example"}})).empty());
  CHECK(trouble_of(signed_by(authority(), {.names = {"mx2.example"}})) == "certificate-host-mismatch");
  CHECK(trouble_of(signed_by(authority(), {.common_name = "mx.example"})) == "certificate-host-mismatch");
  CHECK(trouble_of(signed_by(authority(), {.names = {"mx.example"}, .begins = -7200, .ends = -60})) ==
        "certificate-expired");
  CHECK(trouble_of(self_signed({.names = {"mx.example"}})) == "certificate-not-trusted");
  CHECK(meet(self_signed({}), {.level = TlsLevel::may, .names = {"mx.example"}}).trouble.empty());
}

TEST_CASE("versions: TLS 1.2 is the floor, but where plaintext would come instead and the operator says so") {
  const Identity shown = self_signed({.names = {"mx.example"}});
  const Offers only10{TLS1_VERSION, TLS1_VERSION};
  const Offers only12{TLS1_2_VERSION, TLS1_2_VERSION};
  const TlsRequirement may{.level = TlsLevel::may};
  const TlsRequirement encrypt{.level = TlsLevel::encrypt};
  CHECK(meet(shown, may, only12).version == "TLSv1.2");
  CHECK(meet(shown, encrypt, only12).version == "TLSv1.2");
  CHECK(meet(shown, may).version == "TLSv1.3");
  CHECK(meet(shown, may, only10).kind == ClientFailure::Kind::handshake);
  CHECK(meet(shown, may, only10, true).version == "TLSv1");
  CHECK(meet(shown, encrypt, only10, true).result == "validation-failure");
  CHECK(meet(shown, by_dane({record(3, 1, 1, shown)}), only10, true).result == "validation-failure");
}

TEST_CASE("ciphers: forward secrecy and AEAD where TLS is required") {
  const Identity shown = self_signed({.names = {"mx.example"}});
  const Offers cbc{TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"};
  CHECK(meet(shown, {.level = TlsLevel::may}, cbc).result == "ok");
  CHECK(meet(shown, {.level = TlsLevel::encrypt}, cbc).result == "validation-failure");
  const Offers anonymous{TLS1_2_VERSION, TLS1_2_VERSION, "AECDH-AES128-SHA"};
  CHECK(meet(shown, {.level = TlsLevel::may}, anonymous).result == "validation-failure");
}

namespace {

// What the client makes of a server that sends these octets and goes.
ClientFailure answer_to(const std::string& octets, TlsLevel level = TlsLevel::encrypt) {
  ClientContext client = make_client();
  const SocketPair sockets;
  SocketStream socket{sockets.client.get(), -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 5s);
  if (::send(sockets.server.get(), octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size()))
    throw std::runtime_error("send");
  ::shutdown(sockets.server.get(), SHUT_WR);
  return client.start(socket, {.level = level}).error();
}

// A server's whole first flight.
std::string first_flight() {
  ClientContext client = make_client();
  const SocketPair sockets;
  const SocketPair tapped;
  const Identity shown = self_signed({.names = {"mx.example"}});
  BesideServer server{tapped, shown};
  std::string flight(20000, '\0');
  std::jthread between{[&] {
    std::string hello(20000, '\0');
    const ssize_t size = ::recv(sockets.server.get(), hello.data(), hello.size(), 0);
    if (size <= 0 || ::send(tapped.client.get(), hello.data(), static_cast<std::size_t>(size), 0) != size)
      return;
    std::size_t have = 0;
    ::timeval quiet{0, 200'000};
    ::setsockopt(tapped.client.get(), SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet);
    for (ssize_t more;
         (more = ::recv(tapped.client.get(), flight.data() + have, flight.size() - have, 0)) > 0;)
      have += static_cast<std::size_t>(more);
    flight.resize(have);
    ::shutdown(sockets.server.get(), SHUT_RDWR);
    ::shutdown(tapped.client.get(), SHUT_RDWR);
  }};
  SocketStream socket{sockets.client.get(), -1};
  (void)client.start(socket, {.level = TlsLevel::may});
  between.join();
  return flight;
}

}  // namespace

TEST_CASE("servers that speak no TLS, or stop within it") {
  CHECK(answer_to("").kind == ClientFailure::Kind::connection);
  CHECK(answer_to("").words == "the server closed during the TLS handshake");
  CHECK(answer_to("220 ready\r\n250-evil\r\n250 AUTH\r\n").kind == ClientFailure::Kind::handshake);
  CHECK(answer_to(std::string(70000, '\x16')).kind == ClientFailure::Kind::handshake);
  const std::string flight = first_flight();
  REQUIRE(flight.size() > 500);
  // Of another handshake, so it fails at its end at the latest.
  for (std::size_t size = 0; size <= flight.size(); size += 7) {
    const ClientFailure failure = answer_to(flight.substr(0, size));
    CHECK_FALSE(failure.words.empty());
    CHECK(failure.result == "validation-failure");
  }
}

TEST_CASE("a server that says nothing: the transport's deadline") {
  ClientContext client = make_client();
  const SocketPair sockets;
  SocketStream socket{sockets.client.get(), -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 50ms);
  const ClientFailure failure = client.start(socket, {.level = TlsLevel::may}).error();
  CHECK(failure.kind == ClientFailure::Kind::connection);
  CHECK(failure.result == "validation-failure");
}

TEST_CASE("renegotiation: a HelloRequest is refused, and the connection goes on") {
  ClientContext client = make_client();
  const SocketPair sockets;
  SocketStream socket{sockets.client.get(), -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 5s);
  const Identity shown = self_signed({.names = {"mx.example"}});
  BesideServer server{sockets, shown, {TLS1_2_VERSION, TLS1_2_VERSION}, [&](SSL* ssl) {
                        SSL_renegotiate(ssl);
                        SSL_do_handshake(ssl);  // sends the HelloRequest
                        SSL_write(ssl, "x", 1);
                        char octet;
                        SSL_read(ssl, &octet, 1);
                      }};
  auto stream = client.start(socket, {.level = TlsLevel::encrypt});
  REQUIRE(stream.has_value());
  char octet = 0;
  CHECK((*stream)->read({&octet, 1}) == 1);
  CHECK(octet == 'x');
  (*stream)->write("y");
  (*stream)->close();
  server.finish();
  CHECK(server.alert == SSL_AD_NO_RENEGOTIATION);
}

TEST_CASE("octets both ways with our own server; nothing can be released") {
  const SocketPair sockets;
  SocketStream below{sockets.server.get(), -1};
  TestServer own{{{KeyType::ecdsa_p256, "mail.example"}}, "smtp"};
  ClientContext client = make_client();
  client.warm_up();
  std::string received(4, '\0');
  std::jthread serving{[&] {
    auto stream = TlsStream::accept(own.context(), below);
    stream->write("220 \r\n");
    std::size_t have = 0;
    while (have < 4) have += stream->read(std::span{received}.subspan(have));
    stream->close();
  }};
  SocketStream socket{sockets.client.get(), -1};
  auto stream = client.start(socket, {.level = TlsLevel::encrypt, .names = {"mail.example"}});
  REQUIRE(stream.has_value());
  std::string greeting(6, '\0');
  std::size_t have = 0;
  while (have < 6) have += (*stream)->read(std::span{greeting}.subspan(have));
  CHECK(greeting == "220 \r\n");
  CHECK_FALSE((*stream)->release().has_value());
  (*stream)->write("QUIT");
  CHECK((*stream)->read(std::span{greeting}) == 0);
  serving.join();
  CHECK(received == "QUIT");
}
