// keyd: what it takes for TLS, what it answers, and how it treats those who ask for more.
#include <catch2/catch.hpp>

#include <thread>

#include "daemons/keyd/server.h"
#include "daemons/keyd/tls_shape.h"
#include "libcommon/tls/certificate.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace mailroom;
using namespace mailroom::keyd;
using namespace std::string_literals;
using namespace std::chrono_literals;
using tls::KeyType;
using tls::SignatureScheme;

namespace {

constexpr auto kEc = SignatureScheme::ecdsa_secp256r1_sha256;
constexpr auto kPss = SignatureScheme::rsa_pss_rsae_sha256;
constexpr auto kPkcs1 = SignatureScheme::rsa_pkcs1_sha256;

std::string certificate_verify(std::size_t hash = 32, const std::string& side = "server") {
  return std::string(64, ' ') + "TLS 1.3, " + side + " CertificateVerify" + '\0' + std::string(hash, 'h');
}

std::string key_exchange(const std::string& params, const std::string& mark = "DOWNGRD\1") {
  return std::string(32, 'c') + std::string(24, 's') + mark + params;
}

const std::string kX25519 = "\3\0\x1d\x20"s + std::string(32, 'p');
const std::string kP256 = "\3\0\x17\x41\4"s + std::string(64, 'p');
const std::string kP384 = "\3\0\x18\x61\4"s + std::string(96, 'p');

}  // namespace

TEST_CASE("what TLS signs is recognised") {
  CHECK(is_tls_shaped(kEc, certificate_verify(32)));
  CHECK(is_tls_shaped(kEc, certificate_verify(48)));
  CHECK(is_tls_shaped(kPss, certificate_verify(48)));
  for (const auto& params : {kX25519, kP256, kP384})
    for (const auto scheme : {kEc, kPss, kPkcs1}) CHECK(is_tls_shaped(scheme, key_exchange(params)));
}

TEST_CASE("older key exchanges are signed only where a listener wants them, and with RSA alone") {
  constexpr auto kOld = SignatureScheme::rsa_pkcs1_md5_sha1;
  const auto number = [](std::size_t size) {
    return std::string{static_cast<char>(size >> 8), static_cast<char>(size)} + std::string(size, 'n');
  };
  const std::string dhe = number(256) + number(1) + number(256);
  const std::string mark10 = "DOWNGRD\0"s;
  CHECK(is_tls_shaped(kPkcs1, key_exchange(dhe), OldTls::allowed));
  CHECK(is_tls_shaped(kPss, key_exchange(dhe), OldTls::allowed));
  CHECK(is_tls_shaped(kOld, key_exchange(dhe, mark10), OldTls::allowed));
  CHECK(is_tls_shaped(kOld, key_exchange(kP256, mark10), OldTls::allowed));
  CHECK_FALSE(is_tls_shaped(kPkcs1, key_exchange(dhe)));
  CHECK_FALSE(is_tls_shaped(kOld, key_exchange(dhe, mark10)));
  CHECK_FALSE(is_tls_shaped(kOld, key_exchange(kP256, mark10)));
  CHECK_FALSE(is_tls_shaped(kEc, key_exchange(dhe), OldTls::allowed));
  CHECK_FALSE(is_tls_shaped(kOld, key_exchange(dhe), OldTls::allowed));  // the mark of another version
  CHECK_FALSE(is_tls_shaped(kPkcs1, key_exchange(dhe, mark10), OldTls::allowed));
  CHECK_FALSE(is_tls_shaped(kOld, certificate_verify(), OldTls::allowed));
  for (const std::string& wrong :
       {number(128) + number(1) + number(128), number(1024) + number(1) + number(1024),
        number(256) + number(1) + number(257), number(256) + number(1), number(256) + number(2) + number(256),
        dhe + "x", "From: a\r\n"s})
    CHECK_FALSE(is_tls_shaped(kPkcs1, key_exchange(wrong), OldTls::allowed));
}

TEST_CASE("all else is not") {
  CHECK_FALSE(is_tls_shaped(kEc, ""));
  CHECK_FALSE(is_tls_shaped(kEc, "From: someone@example\r\n"));
  CHECK_FALSE(is_tls_shaped(kPkcs1, certificate_verify()));  // TLS 1.3 has no PKCS #1
  CHECK_FALSE(is_tls_shaped(kEc, certificate_verify(31)));
  CHECK_FALSE(is_tls_shaped(kEc, certificate_verify(33)));
  CHECK_FALSE(is_tls_shaped(kEc, certificate_verify(64)));
  CHECK_FALSE(is_tls_shaped(kEc, certificate_verify(0)));
  CHECK_FALSE(is_tls_shaped(kEc, certificate_verify(32, "client")));
  CHECK_FALSE(is_tls_shaped(kEc, certificate_verify().substr(1)));
  CHECK_FALSE(is_tls_shaped(kEc, " " + certificate_verify()));
  CHECK_FALSE(is_tls_shaped(kEc, key_exchange("")));
  CHECK_FALSE(is_tls_shaped(kEc, key_exchange(kX25519, "12345678")));  // would hide that TLS 1.3 is spoken
  CHECK_FALSE(is_tls_shaped(kEc, key_exchange(kX25519, "DOWNGRD\0"s)));
  CHECK_FALSE(is_tls_shaped(kEc, key_exchange(kX25519 + "x")));
  CHECK_FALSE(is_tls_shaped(kEc, key_exchange(kX25519.substr(0, 35))));
  CHECK_FALSE(is_tls_shaped(kEc, key_exchange("\1" + kX25519.substr(1))));  // explicit curve
  CHECK_FALSE(
      is_tls_shaped(kEc, key_exchange("\3\0\x19\x85\4"s + std::string(132, 'p'))));         // P-521: not ours
  CHECK_FALSE(is_tls_shaped(kEc, key_exchange("\3\0\x17\x41\2"s + std::string(64, 'p'))));  // compressed
  CHECK_FALSE(is_tls_shaped(kEc, key_exchange("\3\0\x17\x20"s + std::string(32, 'p'))));    // wrong length
}

TEST_CASE("every octet of the frame counts") {
  const std::string whole = GENERATE(certificate_verify(), key_exchange(kP256));
  const std::size_t frame_begin = whole[0] == ' ' ? 0 : 56;
  const std::size_t frame_end = whole[0] == ' ' ? 98 : 69;
  for (std::size_t i = frame_begin; i < frame_end; ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK_FALSE(is_tls_shaped(kEc, changed));
  }
}

TEST_CASE("the key ring signs for its keys, their schemes, and TLS") {
  KeyRing ring;
  tls::PrivateKey ec = tls::PrivateKey::generate(KeyType::ecdsa_p256);
  const tls::KeyId id = ec.id();
  ring.add(std::move(ec));
  const auto refusal = [&](const Sign& request) {
    const KeydToConnection reply = ring.answer(request);
    const auto* refused = std::get_if<SignRefused>(&reply);
    return refused == nullptr ? std::optional<SignRefusal>{} : refused->refusal;
  };
  CHECK_FALSE(refusal({id, kEc, certificate_verify()}));
  CHECK(refusal({{}, kEc, certificate_verify()}) == SignRefusal::unknown_key);
  CHECK(refusal({id, kPss, certificate_verify()}) == SignRefusal::wrong_scheme);
  CHECK(refusal({id, kEc, "anything"}) == SignRefusal::not_tls);
  CHECK(refusal({id, kEc, std::string(70000, ' ')}) == SignRefusal::not_tls);
}

TEST_CASE("an allowance fills up again with time, and no further than at first") {
  Allowance::Clock::time_point now{};
  Allowance allowance{{.at_once = 2, .per_second = 1}, now};
  CHECK(allowance.take(now));
  CHECK(allowance.take(now));
  CHECK_FALSE(allowance.take(now));
  now += 1s;
  CHECK(allowance.take(now));
  CHECK_FALSE(allowance.take(now));
  now += 1h;
  CHECK(allowance.take(now));
  CHECK(allowance.take(now));
  CHECK_FALSE(allowance.take(now));
}

namespace {

// A keyd that runs while the test waits for it, with one EC key.
class RunningServer {
  using Wait = ipc::PacketSocket::Wait;

  // What has come within 5 seconds.  In one thread, as in a daemon: a process receives one packet at a time.
  template <typename Channel>
  auto receive(Channel& channel) {
    const mailroom::event::ReadWatch come{loop_, channel.fd(), [this] { loop_.stop(); }};
    mailroom::event::Timer late{loop_, [this] { loop_.stop(); }};
    late.start(5s);
    loop_.run();
    return channel.receive(Wait::no);
  }

 public:
  explicit RunningServer(bool with_client_certificates = false) {
    if (with_client_certificates) launch_.config.client_certificate.authorities_file = "/ca.pem";
    const tls::ThrowawayIdentity identity = tls::make_throwaway_identity(KeyType::ecdsa_p256, "mail.example");
    key_ = identity.key.id();
    certificate_ = tls::CertificateChain::parse(identity.chain_pem).value().fingerprint();
    launch_.config.certificates = {{{"mail.example"}, "chain.pem", "key.pem", identity.chain_pem}};
    pem_ = Fd{::memfd_create("key", MFD_CLOEXEC)};
    const std::string pem = identity.key.pem();
    REQUIRE(::write(pem_.get(), pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()));
    auto [listener, server] = ipc::make_channel();
    listener_ = ipc::MessageChannel<ListenerToKeyd, KeydToListener>{std::move(listener)};
    const Host host{
        loop_, launch_, launch_.config, [this](const std::string&) { return std::move(pem_); }, {}};
    server_ = std::make_unique<keyd::Server>(host);
    server_->attach("imapd-keyd", "imapd", std::move(server));
    auto [authd, to_authd] = ipc::make_channel();
    authd_ = ipc::MessageChannel<AuthdToKeyd, KeydToAuthd>{std::move(authd)};
    server_->attach("authd-keyd", "authd", std::move(to_authd));
  }

  using Asker = ipc::MessageChannel<ConnectionToKeyd, KeydToConnection>;
  Asker open(ConnectionId connection = 7) {
    auto [ours, theirs] = ipc::make_channel();
    const int fd = theirs.get();
    REQUIRE(listener_.send(OpenSigner{connection}, {&fd, 1}) == ipc::SendResult::sent);
    return Asker{std::move(ours)};
  }
  const tls::KeyId& key() const { return key_; }
  const Sha256Digest& certificate() const { return certificate_; }
  // As authd asks.
  std::optional<SignedHandshake> signed_for(ConnectionId connection) {
    authd_.send(WhatWasSigned{connection});
    const auto reply = receive(authd_);
    REQUIRE(reply);
    CHECK(std::get<WasSigned>(reply->message).connection == connection);
    return std::get<WasSigned>(reply->message).handshake;
  }
  ipc::MessageChannel<ListenerToKeyd, KeydToListener>& listener() { return listener_; }

  std::expected<KeydToConnection, ipc::ReceiveError> ask(Asker& asker, const Sign& request) {
    asker.send(request);
    auto reply = receive(asker);
    if (!reply) return std::unexpected(reply.error());
    return reply->message;
  }
  bool is_ended(Asker& asker) {
    const auto reply = receive(asker);
    return !reply && reply.error() == ipc::ReceiveError::closed;
  }

 private:
  mailroom::event::Loop loop_;
  Launch launch_;
  Fd pem_;
  tls::KeyId key_{};
  Sha256Digest certificate_{};
  ipc::MessageChannel<AuthdToKeyd, KeydToAuthd> authd_;
  ipc::MessageChannel<ListenerToKeyd, KeydToListener> listener_;
  std::unique_ptr<keyd::Server> server_;
};

}  // namespace

TEST_CASE("a connection has its few signatures, then its channel ends; another is not touched") {
  RunningServer running;
  auto greedy = running.open(), modest = running.open();
  const Sign request{running.key(), kEc, certificate_verify()};
  for (int i = 0; i < kMaxSignatures; ++i) {
    const auto reply = running.ask(greedy, request);
    REQUIRE(reply);
    CHECK(std::holds_alternative<Signature>(*reply));
  }
  const auto refused = running.ask(greedy, request);
  REQUIRE(refused);
  CHECK(std::get<SignRefused>(*refused).refusal == SignRefusal::too_many);
  CHECK(running.is_ended(greedy));
  const auto reply = running.ask(modest, request);
  REQUIRE(reply);
  CHECK(std::holds_alternative<Signature>(*reply));
}

TEST_CASE("what is not TLS, and what is not even a message, end the asker's channel alone") {
  RunningServer running;
  auto liar = running.open(), babbler = running.open(), honest = running.open();
  const auto refused = running.ask(liar, {running.key(), kEc, "sign this contract"});
  REQUIRE(refused);
  CHECK(std::get<SignRefused>(*refused).refusal == SignRefusal::not_tls);
  CHECK(running.is_ended(liar));
  REQUIRE(::write(babbler.fd(), "\xff\xff\xff", 3) == 3);
  CHECK(running.is_ended(babbler));
  const auto reply = running.ask(honest, {running.key(), kEc, certificate_verify()});
  REQUIRE(reply);
  CHECK(std::holds_alternative<Signature>(*reply));
}

TEST_CASE("authd is told the last handshake of TLS 1.3 that was signed for a connection, while it lasts") {
  RunningServer running{true};
  auto one = running.open(1), other = running.open(2);
  CHECK_FALSE(running.signed_for(1));
  CHECK_FALSE(running.signed_for(3));
  const std::string first = certificate_verify(32), second = certificate_verify(48);
  const auto reply = running.ask(one, {running.key(), kEc, first});
  REQUIRE(reply);
  auto told = running.signed_for(1);
  REQUIRE(told);
  CHECK(told->to_be_signed == first);
  CHECK(told->signature == std::get<Signature>(*reply).bytes);
  CHECK(told->certificates == std::vector{running.certificate()});
  CHECK_FALSE(running.signed_for(2));

  // The same once more for another connection: that is another signature.
  REQUIRE(running.ask(other, {running.key(), kEc, first}));
  REQUIRE(running.signed_for(2));
  CHECK(running.signed_for(2)->to_be_signed == first);
  CHECK(running.signed_for(2)->signature != told->signature);

  REQUIRE(running.ask(one, {running.key(), kEc, key_exchange(kX25519)}));  // TLS 1.2 is none
  CHECK(running.signed_for(1)->to_be_signed == first);
  REQUIRE(running.ask(one, {running.key(), kEc, second}));
  CHECK(running.signed_for(1)->to_be_signed == second);
  const auto refused = running.ask(other, {running.key(), kEc, "sign this contract"});
  REQUIRE(refused);
  CHECK_FALSE(running.signed_for(2));
  one.close();
  for (int i = 0; i < 500 && running.signed_for(1); ++i) std::this_thread::sleep_for(1ms);
  CHECK_FALSE(running.signed_for(1));
}

TEST_CASE("where no client logs in by certificate nothing is kept") {
  RunningServer running;
  auto asker = running.open(1);
  REQUIRE(running.ask(asker, {running.key(), kEc, certificate_verify()}));
  CHECK_FALSE(running.signed_for(1));
}

TEST_CASE("a listener's end leaves the connections it has opened") {
  RunningServer running;
  auto asker = running.open();
  running.listener().close();
  const auto reply = running.ask(asker, {running.key(), kEc, certificate_verify()});
  REQUIRE(reply);
  CHECK(std::holds_alternative<Signature>(*reply));
}

TEST_CASE("keyd does not start with a key that is not its certificate's") {
  Launch launch;
  mailroom::event::Loop loop;
  launch.config.certificates = {
      {{"mail.example"},
       "c",
       "k",
       tls::make_throwaway_identity(KeyType::ecdsa_p256, "mail.example").chain_pem}};
  const std::string pem = GENERATE(as<std::string>{}, "", "nonsense", "foreign");
  const std::string content = pem == "foreign" ? tls::PrivateKey::generate(KeyType::ecdsa_p256).pem() : pem;
  const auto give = [&](const std::string&) {
    Fd file{::memfd_create("key", MFD_CLOEXEC)};
    CHECK(::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    return file;
  };
  CHECK_THROWS_AS(keyd::Server(Host{loop, launch, launch.config, give, {}}), std::runtime_error);
}
