// From a connection to a mail session: which hop, which TLS, which login.
#include <catch2/catch.hpp>

#include "tests/unit/relayd/fake_server.h"

using namespace mailroom;
using namespace mailroom::relayd;
using routing::Protocol;
using routing::TlsLevel;

namespace {

routing::TlsRequirement level(TlsLevel level) {
  return {.level = level, .reason = {}, .requiretls = false, .names = {}, .tlsa = {}};
}

const Connected& connected(const std::variant<Connected, NotConnected>& result) {
  REQUIRE(std::holds_alternative<Connected>(result));
  return std::get<Connected>(result);
}
const HopAttempt& failed(const std::variant<Connected, NotConnected>& result) {
  REQUIRE(std::holds_alternative<NotConnected>(result));
  REQUIRE(std::get<NotConnected>(result).attempts.size() == 1);
  return std::get<NotConnected>(result).attempts.front();
}

HopAttempt failure_of(FakeServer& server, Protocol protocol = Protocol::smtp,
                      routing::TlsRequirement tls = {}) {
  Bench bench{{&server}};
  return failed(bench.connect(protocol, tls));
}

}  // namespace

TEST_CASE("a session begins with greeting and EHLO") {
  FakeServer server;
  Bench bench{{&server}};
  const auto result = bench.connect();
  const Connected& made = connected(result);
  CHECK(made.host == "mx1.example");
  CHECK(made.address == address(1));
  CHECK(made.tls.empty());
  CHECK(made.dsn);
  CHECK(server.received == "EHLO relay.example\r\n");
}

TEST_CASE("a server without EHLO is greeted with HELO") {
  FakeServer server;
  server.replies["EHLO"] = {"502 5.5.1 What?\r\n"};
  Bench bench{{&server}};
  const auto result = bench.connect();
  CHECK_FALSE(connected(result).dsn);
  CHECK(server.received == "EHLO relay.example\r\nHELO relay.example\r\n");
}

TEST_CASE("LMTP says LHLO and knows no HELO") {
  FakeServer good;
  Bench bench{{&good}};
  const auto result = bench.connect(Protocol::lmtp);
  CHECK(connected(result).tls.empty());
  CHECK(good.received == "LHLO relay.example\r\n");
  FakeServer bad;
  bad.replies["LHLO"] = {"500 What?\r\n"};
  CHECK(failure_of(bad, Protocol::lmtp).failure == RelayFailure::greeting);
  CHECK(bad.received == "LHLO relay.example\r\nQUIT\r\n");
}

TEST_CASE("hosts are tried in their order until one takes a session") {
  FakeServer busy, good;
  busy.replies["connect"] = {"421 4.3.2 mx.example is busy\r\n"};
  Bench bench{{nullptr, &busy, &good}};
  const auto result = bench.connect(Protocol::smtp, {}, 3);
  const Connected& made = connected(result);
  CHECK(made.host == "mx3.example");
  REQUIRE(made.attempts.size() == 2);
  CHECK(made.attempts[0].failure == RelayFailure::unreachable);
  CHECK(made.attempts[0].detail == "Connection refused");
  CHECK(made.attempts[1].failure == RelayFailure::greeting);
  CHECK(made.attempts[1].reply == Reply{421, "4.3.2", "mx.example is busy"});
  CHECK(bench.dialler.dialled == std::vector<std::string>{"192.0.2.1", "192.0.2.2", "192.0.2.3"});
}

TEST_CASE("not more addresses are tried than the limit") {
  Bench bench{{}};
  const auto result = bench.connect(Protocol::smtp, {}, kMaxAttempts + 30);
  CHECK(std::get<NotConnected>(result).attempts.size() == kMaxAttempts);
}

namespace {

// Whose greeting never ends, however often one connects.
FakeServer silent() {
  FakeServer server;
  server.replies["connect"].assign(kMaxAttempts, "220");
  return server;
}

}  // namespace

TEST_CASE("silent hosts leave time for those behind them") {
  FakeServer mute = silent(), good;
  const std::size_t count = GENERATE(1, 2, 7, kMaxAttempts - 1);
  std::vector<FakeServer*> servers(count, &mute);
  servers.push_back(&good);
  Bench bench{servers};
  const auto result = bench.connect(Protocol::smtp, {}, servers.size());
  const Connected& made = connected(result);
  REQUIRE(made.attempts.size() == count);
  CHECK(made.attempts.back().failure == RelayFailure::cut);
  CHECK(made.attempts.back().detail == "no reply in time");
  const auto taken = bench.clock.time.time_since_epoch();
  CHECK(taken < kOpeningTime);
  const std::chrono::milliseconds greeting{RelaydConfig{}.greeting_timeout}, all{kOpeningTime};
  const auto share = std::min(greeting, all / static_cast<int>(servers.size()));
  CHECK(taken >= share * static_cast<int>(count));
}

TEST_CASE("an answer to Connect comes in time, whatever the hosts do") {
  FakeServer mute = silent();
  Bench bench{std::vector<FakeServer*>(kMaxAttempts, &mute)};
  const auto result = bench.connect(Protocol::smtp, {}, kMaxAttempts);
  CHECK(std::get<NotConnected>(result).attempts.size() == kMaxAttempts);
  CHECK(bench.clock.time.time_since_epoch() <= kOpeningTime);
}

TEST_CASE("a handshake has no more time than its address") {
  FakeServer mute = silent(), good;
  good.extensions.emplace_back("STARTTLS");
  std::vector<FakeServer*> servers(kMaxAttempts - 1, &mute);
  servers.push_back(&good);
  Bench bench{servers, std::chrono::hours{1}};
  const auto result = bench.connect(Protocol::smtp, level(TlsLevel::encrypt), servers.size());
  CHECK_FALSE(connected(result).tls.empty());
  REQUIRE(bench.dialler.tls_deadlines.size() == 1);
  CHECK(bench.dialler.tls_deadlines[0].time_since_epoch() <= kOpeningTime);
}

TEST_CASE("a handshake that stalls leaves time for a try without TLS") {
  FakeServer first, second;
  first.extensions = second.extensions = {"STARTTLS"};
  Bench bench{{&first, &second}, std::chrono::minutes{10}};
  bench.dialler.tls_outcomes = {
      TlsProblem{RelayFailure::tls_failed, "no answer in time", "validation-failure"}};
  bench.dialler.tls_stalls = true;
  const auto result = bench.connect(Protocol::smtp, {}, kMaxAttempts);
  CHECK(connected(result).address == address(1));
  CHECK(connected(result).tls.empty());
  REQUIRE(bench.dialler.tls_deadlines.size() == 1);
  CHECK(bench.dialler.tls_deadlines[0].time_since_epoch() ==
        std::chrono::seconds{kOpeningTime} / static_cast<int>(kMaxAttempts) / 2);
}

TEST_CASE("what is wrong with a certificate in testing is said, and hinders nothing") {
  FakeServer server;
  server.extensions.emplace_back("STARTTLS");
  Bench bench{{&server}};
  bench.dialler.tls_trouble = "certificate-expired";
  const auto result = bench.connect();
  CHECK(connected(result).tls == "TLSv1.3 fake");
  CHECK(connected(result).tls_result == "certificate-expired");
}

TEST_CASE("addresses that are no host's are not connected to") {
  FakeServer server;
  Bench bench{{&server}};
  for (const char* text :
       {"0.0.0.0:25", "[::]:25", "224.0.0.1:25", "255.255.255.255:25", "[ff02::1]:25", "192.0.2.1:0"}) {
    IpAddress forbidden = parse_ip_and_port(text).value_or(IpAddress{});
    const auto result =
        Bench{{&server}}.client.connect({Protocol::smtp, {{"mx.example", {forbidden}, {}}}, false});
    CHECK(failed(result).failure == RelayFailure::forbidden);
  }
  CHECK(server.received.empty());
}

TEST_CASE("a far side with our own name is a loop, but for LMTP") {
  FakeServer greeting, hello, lmtp;
  greeting.replies["connect"] = {"220 Relay.Example ESMTP\r\n"};
  CHECK(failure_of(greeting).failure == RelayFailure::loop);
  hello.replies["EHLO"] = {"250 relay.example\r\n"};
  CHECK(failure_of(hello).failure == RelayFailure::loop);
  lmtp.replies["connect"] = {"220 relay.example LMTP\r\n"};
  Bench bench{{&lmtp}};
  CHECK(std::holds_alternative<Connected>(bench.connect(Protocol::lmtp)));
}

TEST_CASE("where the host must prove what it is, our own name before that is nobody's") {
  const TlsLevel must = GENERATE(TlsLevel::dane, TlsLevel::certificate);
  FakeServer forged, own;
  for (FakeServer* server : {&forged, &own}) server->extensions.emplace_back("STARTTLS");
  forged.replies["connect"] = {"220 relay.example ESMTP\r\n"};
  forged.replies["EHLO"] = {"250-relay.example\r\n250 STARTTLS\r\n"};
  Bench bench{{&forged}};
  CHECK(std::holds_alternative<Connected>(bench.connect(Protocol::smtp, level(must))));
  CHECK(forged.tls);
  own.replies["EHLO"] = {"250-mx.example\r\n250 STARTTLS\r\n", "250 relay.example\r\n"};
  CHECK(failure_of(own, Protocol::smtp, level(must)).failure == RelayFailure::loop);
}

TEST_CASE("what is no greeting ends the connection and decides nothing") {
  for (const char* raw : {"250 mx.example\r\n", "220-mx.example\r\n221 x\r\n", "HTTP/1.1 200 OK\r\n", "22",
                          "220 x\n", "\r\n", "220", "55\r\n", "5500 x\r\n",
                          "2\xff"
                          "0 ok\r\n"}) {
    FakeServer server;
    server.replies["connect"] = {raw};
    const HopAttempt attempt = failure_of(server);
    CAPTURE(raw);
    CHECK(attempt.failure == RelayFailure::cut);
    CHECK(attempt.reply.code == 0);
    CHECK(server.received.empty());
  }
}

TEST_CASE("a greeting with something behind it ends the connection") {
  FakeServer server;
  server.replies["connect"] = {"220 mx.example\r\n250 mx.example\r\n"};
  CHECK(failure_of(server).detail == "the far side spoke out of turn");
  CHECK(server.received.empty());
}

TEST_CASE("an endless reply to EHLO is cut off") {
  FakeServer server;
  std::string endless;
  for (int i = 0; i < 10'000; ++i) endless += "250-KEYWORD" + std::to_string(i) + "\r\n";
  server.replies["EHLO"] = {endless};
  CHECK(failure_of(server).detail == "a reply with too many lines");
  FakeServer long_line;
  long_line.replies["EHLO"] = {"250 " + std::string(1 << 20, 'x')};
  CHECK(failure_of(long_line).detail == "a reply with an endless line");
}

TEST_CASE("421 at each step before the mail: the host is not used now, with its words") {
  struct Row {
    const char* step;
    RelayFailure failure;
  };
  for (const Row& row :
       {Row{"connect", RelayFailure::greeting}, Row{"EHLO", RelayFailure::greeting},
        Row{"STARTTLS", RelayFailure::tls_unavailable}, Row{"AUTH", RelayFailure::authentication}}) {
    CAPTURE(row.step);
    FakeServer server;
    server.extensions = {"STARTTLS", "AUTH PLAIN"};
    server.replies[row.step] = {"421 4.3.2 Going down\r\n"};
    Bench bench{{&server}};
    bench.credentials.kept = RelayCredentials{"user", "password"};
    const HopAttempt attempt = failed(bench.connect(Protocol::smtp, level(TlsLevel::may), 1, true));
    CHECK(attempt.failure == row.failure);
    CHECK(attempt.reply.code == 421);
    CHECK(attempt.reply.text == "Going down");
    CHECK(server.received.find("MAIL") == std::string::npos);
  }
}

// ---- TLS

TEST_CASE("STARTTLS is used when it is offered, and what was said before is forgotten") {
  FakeServer server;
  server.extensions = {"STARTTLS", "DSN"};
  server.tls_extensions = {"PIPELINING"};
  Bench bench{{&server}};
  const auto result = bench.connect();
  CHECK(connected(result).tls == "TLSv1.3 fake");
  CHECK_FALSE(connected(result).verified);
  CHECK_FALSE(connected(result).dsn);
  CHECK(server.received == "EHLO relay.example\r\nSTARTTLS\r\nEHLO relay.example\r\n");
}

TEST_CASE("level never says no STARTTLS") {
  FakeServer server;
  server.extensions = {"STARTTLS"};
  Bench bench{{&server}};
  CHECK(connected(bench.connect(Protocol::smtp, level(TlsLevel::never))).tls.empty());
  CHECK(server.received == "EHLO relay.example\r\n");
}

TEST_CASE("where TLS is required there is no session without it") {
  for (const TlsLevel required : {TlsLevel::encrypt, TlsLevel::dane, TlsLevel::certificate}) {
    FakeServer silent, refusing, old;
    CHECK(failure_of(silent, Protocol::smtp, level(required)).failure == RelayFailure::tls_unavailable);
    refusing.extensions = {"STARTTLS"};
    refusing.replies["STARTTLS"] = {"454 4.7.0 Not now\r\n"};
    const HopAttempt attempt = failure_of(refusing, Protocol::smtp, level(required));
    CHECK(attempt.failure == RelayFailure::tls_unavailable);
    CHECK(attempt.reply.code == 454);
    old.replies["EHLO"] = {"500 What?\r\n"};
    CHECK(failure_of(old, Protocol::smtp, level(required)).failure == RelayFailure::tls_unavailable);
  }
}

TEST_CASE("a refused STARTTLS is passed over at level may") {
  FakeServer server;
  server.extensions = {"STARTTLS", "DSN"};
  server.replies["STARTTLS"] = {"454 4.7.0 Not now\r\n"};
  Bench bench{{&server}};
  const auto result = bench.connect();
  CHECK(connected(result).tls.empty());
  CHECK(connected(result).dsn);
}

TEST_CASE("a failed handshake is followed by plaintext at level may alone") {
  FakeServer first, second;
  first.extensions = second.extensions = {"STARTTLS"};
  Bench bench{{&first, &second}};
  bench.dialler.tls_outcomes = {
      TlsProblem{RelayFailure::tls_failed, "no shared cipher", "validation-failure"}};
  const auto result = bench.connect();
  CHECK(connected(result).tls.empty());
  REQUIRE(connected(result).attempts.size() == 1);
  CHECK(connected(result).attempts[0].failure == RelayFailure::tls_failed);
  CHECK(connected(result).attempts[0].tls_result == "validation-failure");
  CHECK(second.received == "EHLO relay.example\r\n");

  for (const TlsLevel required : {TlsLevel::encrypt, TlsLevel::dane, TlsLevel::certificate}) {
    FakeServer strict, plain;
    strict.extensions = plain.extensions = {"STARTTLS"};
    Bench other{{&strict, &plain}};
    other.dialler.tls_outcomes = {
        TlsProblem{RelayFailure::certificate, "another name", "certificate-host-mismatch"}};
    CHECK(failed(other.connect(Protocol::smtp, level(required))).failure == RelayFailure::certificate);
    CHECK(plain.received.empty());
  }
}

TEST_CASE("verified is what the level has proved") {
  for (const TlsLevel required : {TlsLevel::may, TlsLevel::encrypt, TlsLevel::dane, TlsLevel::certificate}) {
    FakeServer server;
    server.extensions = {"STARTTLS"};
    Bench bench{{&server}};
    const auto result = bench.connect(Protocol::smtp, level(required));
    CHECK(connected(result).verified == (required == TlsLevel::dane || required == TlsLevel::certificate));
  }
}

TEST_CASE("octets behind the reply to STARTTLS end the connection (SECURITY.md V2)") {
  for (const TlsLevel required : {TlsLevel::may, TlsLevel::encrypt}) {
    FakeServer server, other;
    server.extensions = {"STARTTLS"};
    server.replies["STARTTLS"] = {"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"};
    Bench bench{{&server, &other}};
    const auto result = bench.connect(Protocol::smtp, level(required));
    CHECK(failed(result).failure == RelayFailure::cut);
    CHECK(bench.dialler.required.empty());
    CHECK(other.received.empty());
  }
}

TEST_CASE("smtps is TLS before the greeting, and no plaintext follows its failure") {
  FakeServer server;
  Bench bench{{&server}};
  const auto result = bench.connect(Protocol::smtps, level(TlsLevel::may));
  CHECK(connected(result).tls == "TLSv1.3 fake");
  CHECK(server.received == "EHLO relay.example\r\n");
  FakeServer broken, other;
  Bench again{{&broken, &other}};
  again.dialler.tls_outcomes = {TlsProblem{RelayFailure::tls_failed, "no TLS at all", "validation-failure"}};
  CHECK(failed(again.connect(Protocol::smtps, level(TlsLevel::may))).failure == RelayFailure::tls_failed);
  CHECK(other.received.empty());
}

TEST_CASE("REQUIRETLS must be offered under TLS where it is required") {
  routing::TlsRequirement required = level(TlsLevel::certificate);
  required.requiretls = true;
  FakeServer without, before, with;
  without.extensions = {"STARTTLS"};
  CHECK(failure_of(without, Protocol::smtp, required).failure == RelayFailure::requiretls_unavailable);
  before.extensions = {"STARTTLS", "REQUIRETLS"};
  before.tls_extensions = {"PIPELINING"};
  CHECK(failure_of(before, Protocol::smtp, required).failure == RelayFailure::requiretls_unavailable);
  with.extensions = {"STARTTLS", "REQUIRETLS"};
  Bench bench{{&with}};
  CHECK(std::holds_alternative<Connected>(bench.connect(Protocol::smtp, required)));
}

// ---- login

TEST_CASE("a password goes over TLS alone") {
  FakeServer server;
  server.extensions = {"AUTH PLAIN LOGIN"};
  Bench bench{{&server}};
  bench.credentials.kept = RelayCredentials{"user", "secret"};
  CHECK(failed(bench.connect(Protocol::smtp, {}, 1, true)).failure == RelayFailure::authentication);
  CHECK(bench.credentials.asked == 0);
  CHECK(server.received.find("AUTH") == std::string::npos);
}

TEST_CASE("AUTH PLAIN and LOGIN, as they are offered") {
  FakeServer plain, steps, neither;
  plain.extensions = {"STARTTLS", "AUTH LOGIN PLAIN"};
  Bench first{{&plain}};
  first.credentials.kept = RelayCredentials{"user", "secret"};
  CHECK(std::holds_alternative<Connected>(first.connect(Protocol::smtp, {}, 1, true)));
  CHECK(plain.received.ends_with("AUTH PLAIN AHVzZXIAc2VjcmV0\r\n"));

  steps.extensions = {"STARTTLS", "AUTH=LOGIN"};
  steps.replies["AUTH"] = {"334 VXNlcm5hbWU6\r\n"};
  steps.replies["dXNlcg=="] = {"334 UGFzc3dvcmQ6\r\n"};
  steps.replies["c2VjcmV0"] = {"235 Ok\r\n"};
  Bench second{{&steps}};
  second.credentials.kept = RelayCredentials{"user", "secret"};
  CHECK(std::holds_alternative<Connected>(second.connect(Protocol::smtp, {}, 1, true)));
  CHECK(steps.received.ends_with("AUTH LOGIN\r\ndXNlcg==\r\nc2VjcmV0\r\n"));

  neither.extensions = {"STARTTLS", "AUTH GSSAPI CRAM-MD5"};
  Bench third{{&neither}};
  third.credentials.kept = RelayCredentials{"user", "secret"};
  CHECK(failed(third.connect(Protocol::smtp, {}, 1, true)).failure == RelayFailure::authentication);
  CHECK(third.credentials.asked == 0);
}

TEST_CASE("credentials that are not kept, or refused") {
  FakeServer server, refusing;
  server.extensions = refusing.extensions = {"STARTTLS", "AUTH PLAIN"};
  Bench without{{&server}};
  CHECK(failed(without.connect(Protocol::smtp, {}, 1, true)).failure == RelayFailure::authentication);
  CHECK(server.received.find("AUTH") == std::string::npos);
  refusing.replies["AUTH"] = {"535 5.7.8 No\r\n"};
  Bench refused{{&refusing}};
  refused.credentials.kept = RelayCredentials{"user", "wrong"};
  const auto result = refused.connect(Protocol::smtp, {}, 1, true);
  CHECK(failed(result).failure == RelayFailure::authentication);
  CHECK(failed(result).reply == Reply{535, "5.7.8", "No"});
}

TEST_CASE("a route without login never says AUTH") {
  FakeServer server;
  server.extensions = {"STARTTLS", "AUTH PLAIN"};
  Bench bench{{&server}};
  bench.credentials.kept = RelayCredentials{"user", "secret"};
  CHECK(std::holds_alternative<Connected>(bench.connect()));
  CHECK(bench.credentials.asked == 0);
}
