// A client's certificate, from the handshake in which it is shown to the verdict on it.
#include <catch2/catch.hpp>

#include "libcommon/protocol/tls/handshake.h"
#include "libcommon/tls/client_verifier.h"
#include "tests/unit/tls/test_authority.h"

using namespace mailroom;
using namespace mailroom::tls;

namespace {

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

const Identity& authority() {
  static const Identity made = self_signed({.common_name = "authority", .authority = true});
  return made;
}

Says alice() { return {.common_name = "anything", .emails = {"alice@example.edu"}, .usage = "clientAuth"}; }

// One handshake with a server that asks for certificates of authority().
struct Shaken {
  TestServer::Made made;
  Sha256Digest certificate;
  std::string handshake;  // empty: the client has proved no certificate
  std::string version;

  SignedByServer by_server() const { return {{&certificate, 1}, made.to_be_signed, made.signature}; }
};

Shaken shake_hands(const Identity* shown, const Offer& offer = {}, KeyType key = KeyType::ecdsa_p256) {
  TestServer server{{{key, "mail.example"}}, "imap", authority().pem()};
  const SocketPair sockets;
  SocketStream transport{sockets.server.get(), -1};
  transport.set_deadline(std::chrono::steady_clock::now() + std::chrono::seconds{20});
  BesideClient client{sockets, offer, [shown](TestClient& own) {
                        if (shown != nullptr) {
                          SSL_use_certificate(own.ssl(), shown->certificate.get());
                          SSL_use_PrivateKey(own.ssl(), shown->key.get());
                          for (const Certificate& other : shown->others)
                            SSL_add1_chain_cert(own.ssl(), other.get());
                        }
                        own.connect();
                        own.read(2);
                      }};
  const auto stream = TlsStream::accept(server.context(), transport);
  stream->write("ok");
  client.finish();
  return {server.made, server.certificate(), stream->client_handshake(), stream->facts().version};
}

const ClientVerifier& verifier() {
  static const ClientVerifier made = ClientVerifier::make(authority().pem(), "").value();
  return made;
}

std::string refusal(const SignedByServer& made, std::string_view handshake,
                    const ClientVerifier& by = verifier()) {
  const auto names = by.verify(made, handshake, now());
  return names ? "proved" : names.error();
}

std::string refusal(const Identity& shown) {
  const Shaken shaken = shake_hands(&shown);
  return refusal(shaken.by_server(), shaken.handshake);
}

}  // namespace

TEST_CASE("a certificate that was proved has names") {
  Says says = alice();
  says.names = {"host.example.edu"};
  const Identity shown = signed_by(authority(), says);
  const Shaken shaken = shake_hands(&shown);
  CHECK(shaken.version == "TLSv1.3");
  const auto names = verifier().verify(shaken.by_server(), shaken.handshake, now());
  REQUIRE(names);
  CHECK(names->emails == std::vector<std::string>{"alice@example.edu"});
  CHECK(names->hosts == std::vector<std::string>{"host.example.edu"});
  CHECK(names->fingerprint == mailroom::sha256(shown.der()));
}

TEST_CASE("handshakes of every kind prove a certificate") {
  const Identity shown = signed_by(authority(), alice());
  for (const auto key : {KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa})
    for (const char* suite :
         {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
      for (const char* groups : {"X25519", "P-521:P-256"}) {  // the second with a HelloRetryRequest
        INFO(suite << " " << groups);
        const Shaken shaken = shake_hands(&shown, {.suites = suite, .groups = groups}, key);
        CHECK(read_handshake(shaken.handshake)->retried_hello.empty() == (groups[0] == 'X'));
        CHECK(refusal(shaken.by_server(), shaken.handshake) == "proved");
      }
}

TEST_CASE("keys of every kind prove their certificate") {
  for (const char* key : {"P-256", "P-384", "P-521", "ED25519", "RSA"}) {
    INFO(key);
    Says says = alice();
    says.key = key;
    CHECK(refusal(signed_by(authority(), says)) == "proved");
  }
}

TEST_CASE("a chain is followed") {
  const Identity between = signed_by(authority(), {.common_name = "between", .authority = true});
  Identity shown = signed_by(between, alice());
  CHECK(refusal(shown).starts_with("certificate: unable to get"));
  shown.others = {between.certificate};
  CHECK(refusal(shown) == "proved");
}

TEST_CASE("an authority may be signed by another, and vouches for its own alone") {
  const Identity between = signed_by(authority(), {.common_name = "between", .authority = true});
  const ClientVerifier by = ClientVerifier::make(between.pem(), "").value();
  const Identity own = signed_by(between, alice()), above = signed_by(authority(), alice());
  const Shaken below_it = shake_hands(&own), beside_it = shake_hands(&above);
  CHECK(refusal(below_it.by_server(), below_it.handshake, by) == "proved");
  CHECK(refusal(beside_it.by_server(), beside_it.handshake, by).starts_with("certificate: unable to get"));
}

TEST_CASE("with revocation lists a client's own certificate needs one, the others obey what is there") {
  const Identity between = signed_by(authority(), {.common_name = "between", .authority = true});
  Identity shown = signed_by(between, alice());
  shown.others = {between.certificate};
  const Shaken shaken = shake_hands(&shown);
  const auto with = [&](const std::string& lists, const Identity& believed = authority()) {
    const ClientVerifier by = ClientVerifier::make(believed.pem(), lists).value();
    return refusal(shaken.by_server(), shaken.handshake, by);
  };
  const std::string none = revocation_list(between, {});
  CHECK(with(none) == "proved");
  CHECK(with(revocation_list(between, {&shown})) == "certificate: certificate revoked");
  CHECK(with(revocation_list(between, {}, -60)) == "certificate: CRL has expired");
  CHECK(with(revocation_list(authority(), {})) == "certificate: unable to get certificate CRL");

  CHECK(with(none + revocation_list(authority(), {})) == "proved");
  CHECK(with(none + revocation_list(authority(), {&shown})) == "proved");  // no certificate of that issuer
  CHECK(with(none + revocation_list(authority(), {&between})) == "certificate: certificate revoked");
  CHECK(with(none + revocation_list(authority(), {}, -60)) == "certificate: CRL has expired");
  const Identity namesake = self_signed({.common_name = "authority", .authority = true});
  CHECK(with(none + revocation_list(namesake, {})) == "certificate: CRL signature failure");

  // What the operator has named as an authority is one, whoever has signed it.
  CHECK(with(none, between) == "proved");
  CHECK(with(none + revocation_list(authority(), {&between}), between) == "proved");
  CHECK(with(revocation_list(between, {&shown}) + revocation_list(authority(), {}), between) ==
        "certificate: certificate revoked");
}

TEST_CASE("without a certificate, and in TLS 1.2, there is no handshake to show") {
  const Shaken without = shake_hands(nullptr);
  CHECK(without.version == "TLSv1.3");
  CHECK(without.handshake.empty());
  const Identity shown = signed_by(authority(), alice());
  const Shaken old = shake_hands(&shown, {.max_version = TLS1_2_VERSION});
  CHECK(old.version == "TLSv1.2");
  CHECK(old.handshake.empty());
}

TEST_CASE("a certificate that is no good proves nothing") {
  const auto with = [](auto change) {
    Says says = alice();
    change(says);
    return refusal(signed_by(authority(), says));
  };
  CHECK(with([](Says&) {}) == "proved");
  CHECK(with([](Says& says) { says.usage = ""; }) == "proved");  // none is any (RFC 5280 4.2.1.12)
  CHECK(with([](Says& says) { says.usage = "serverAuth"; }) == "certificate: unsuitable certificate purpose");
  CHECK(with([](Says& says) { says.usage = "anyExtendedKeyUsage"; }) ==
        "certificate: unsuitable certificate purpose");
  CHECK(with([](Says& says) { says.ends = -60; }) == "certificate: certificate has expired");
  CHECK(with([](Says& says) { says.begins = 3600, says.ends = 7200; }) ==
        "certificate: certificate is not yet valid");
  CHECK(with([](Says& says) { says.emails.assign(kMaxNamesOfClient + 1, "alice@example.edu"); }) ==
        "too many names");
  CHECK(refusal(self_signed(alice())).starts_with("certificate: self-signed"));
  const Identity namesake = self_signed({.common_name = "authority", .authority = true});
  CHECK(refusal(signed_by(namesake, alice())).starts_with("certificate: "));
  const Identity person = signed_by(authority(), alice());  // who is no authority
  Identity signed_by_person = signed_by(person, alice());
  signed_by_person.others = {person.certificate};
  CHECK(refusal(signed_by_person).starts_with("certificate: "));
}

TEST_CASE("a handshake proves nothing but in the connection it was signed for") {
  const Identity shown = signed_by(authority(), alice());
  const Shaken one = shake_hands(&shown), other = shake_hands(&shown);
  CHECK(refusal(one.by_server(), one.handshake) == "proved");
  CHECK(refusal(one.by_server(), other.handshake) == "not the handshake that was signed in this connection");

  // The same server key signs the same handshake once more, for somebody who has seen it: the signature is
  // another.
  TestServer server{{{KeyType::ecdsa_p256, "mail.example"}}};
  const auto again = server.sign(server.key(0).id(), SignatureScheme::ecdsa_secp256r1_sha256, "x");
  REQUIRE(again);
  SignedByServer replayed = one.by_server();
  replayed.signature = *again;
  CHECK(refusal(replayed, one.handshake) == "not the signature that was made in this connection");

  // Another server's certificate stands in it, whatever key that has.
  SignedByServer elsewhere = one.by_server();
  elsewhere.certificates = {&other.certificate, 1};
  CHECK(refusal(elsewhere, one.handshake) == "not a certificate of ours");
  elsewhere.certificates = {};
  CHECK(refusal(elsewhere, one.handshake) == "not a certificate of ours");
}

TEST_CASE("no octet of a handshake may be missing, more or different") {
  const Identity shown = signed_by(authority(), alice());
  const Shaken shaken = shake_hands(&shown);
  const std::string& whole = shaken.handshake;
  REQUIRE(whole.size() > 1000);
  std::size_t believed = 0;
  for (std::size_t size = 0; size < whole.size(); ++size)
    believed += refusal(shaken.by_server(), std::string_view{whole}.substr(0, size)) == "proved";
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const unsigned bit : {0U, 7U}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ 1U << bit);
      believed += refusal(shaken.by_server(), changed) == "proved";
    }
  CHECK(believed == 0);
  CHECK(refusal(shaken.by_server(), whole + '\0') == "more than a handshake");
  CHECK(refusal(shaken.by_server(), whole) == "proved");
}

TEST_CASE("authorities and revocation lists must be such") {
  CHECK(ClientVerifier::make("", "").error() == "authorities: no certificate in it");
  CHECK(ClientVerifier::make(authority().pem(), "").value().authorities() == 1);
  CHECK(ClientVerifier::make(authority().pem(), "nothing").error() ==
        "revocations: no revocation list in it");
  CHECK(ClientVerifier::make(authority().pem(), "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
            .error()
            .starts_with("revocations: not a revocation list"));
}
