#include <map>
#include <random>
#include <thread>

#include "daemons/authd/password_age.h"
#include "daemons/authd/password_hash.h"
#include "daemons/authd/scram_exchange.h"
#include "libcommon/text/base64.h"
#include "tests/unit/authd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;
using authd::ScramExchange;
using Outcome = ScramExchange::Verdict;

namespace {

// A client's side, from a password.
class Client {
 public:
  Client(Hash hash, std::string name, std::string password)
      : hash_{hash}, bare_{"n=" + name + ",r=client"}, password_{std::move(password)} {}

  std::string header = "n,,";
  std::string bindings;  // behind the header

  std::string first() const { return header + bare_; }
  std::string final(const std::string& server_first) {
    const std::string salt = *decode_base64(field(server_first, "s="));
    const auto iterations = static_cast<std::uint32_t>(std::stoul(field(server_first, "i=")));
    const std::string& salted = salted_with(salt, iterations);
    const std::string key = hmac(hash_, salted, "Client Key");
    const std::string without =
        "c=" + encode_base64(header + bindings) + "," + "r=" + field(server_first, "r=");
    const std::string about = bare_ + "," + server_first + "," + without;
    std::string proof = hmac(hash_, digest(hash_, key), about);
    for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ key[i]);
    server_final_ = "v=" + encode_base64(hmac(hash_, hmac(hash_, salted, "Server Key"), about));
    return without + ",p=" + encode_base64(proof);
  }
  const std::string& server_final() const { return server_final_; }

  static std::string field(const std::string& message, const std::string& name) {
    const std::size_t at = ("," + message).find("," + name) + name.size();
    return message.substr(at, message.find(',', at) - at);
  }

 private:
  // Slow, and the same for the same.
  const std::string& salted_with(const std::string& salt, std::uint32_t iterations) const {
    static std::map<std::tuple<Hash, std::string, std::string>, std::string> known;
    std::string& salted = known[{hash_, salt, password_}];
    if (salted.empty()) salted = pbkdf2(hash_, password_, salt, iterations);
    return salted;
  }

  Hash hash_;
  std::string bare_;
  std::string password_;
  std::string server_final_;
};

authd::ScramVerifier verifier_of(Hash hash, const std::string& password, const std::string& salt,
                                 std::uint32_t iterations) {
  const std::string salted = pbkdf2(hash, password, salt, iterations);
  return {salt, iterations, digest(hash, hmac(hash, salted, "Client Key")), hmac(hash, salted, "Server Key")};
}

// The answer to a whole exchange; the client's bindings are those of its header.
AuthdToConnection scram(Authd& a, test::Child& child, const std::string& mechanism, Client client,
                        const tls::ChannelBindings& bindings = {}) {
  child.send(SaslStart{mechanism, client.first(), bindings});
  auto answer = a.answer(child);
  const auto* challenge = std::get_if<SaslChallenge>(&answer);
  if (challenge == nullptr) return answer;
  child.send(SaslRespond{client.final(challenge->challenge)});
  answer = a.answer(child);
  challenge = std::get_if<SaslChallenge>(&answer);
  if (challenge == nullptr) return answer;
  CHECK(challenge->challenge == client.server_final());
  child.send(SaslRespond{""});
  return a.finish(child);
}

std::string challenge_for(Authd& a, ConnectionId id, const std::string& name,
                          const std::string& mechanism = "SCRAM-SHA-256") {
  auto child = a.open(id);
  child.send(SaslStart{mechanism, "n,,n=" + name + ",r=x", {}});
  const auto answer = a.answer(child);
  const std::string text = std::get<SaslChallenge>(answer).challenge;
  return text.substr(text.find(",s="));  // without the nonce
}

}  // namespace

TEST_CASE("the exchange of RFC 5802 section 5") {
  auto exchange = ScramExchange::of_mechanism("SCRAM-SHA-1", {});
  REQUIRE(exchange);
  REQUIRE(exchange->first("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"));
  CHECK(exchange->name() == "user");
  CHECK(exchange->is_bound_right());
  CHECK(exchange->challenge(verifier_of(Hash::sha1, "pencil", *decode_base64("QSXCR+Q6sek8bf92"), 4096),
                            "3rfcNHYJY1ZVvWVs7j") ==
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
  CHECK(exchange->check("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                        "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=") == Outcome::proved);
  CHECK(exchange->server_final() == "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
}

TEST_CASE("the exchange of RFC 7677 section 3") {
  auto exchange = ScramExchange::of_mechanism("scram-sha-256", {});
  REQUIRE(exchange);
  REQUIRE(exchange->first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
  (void)exchange->challenge(
      verifier_of(Hash::sha256, "pencil", *decode_base64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096),
      "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  SECTION("as it is") {
    CHECK(exchange->check("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                          "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=") == Outcome::proved);
    CHECK(exchange->server_final() == "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  }
  SECTION("with another nonce") {
    CHECK(exchange->check("c=biws,r=rOprNGfwEbeRWgbNEkqO,"
                          "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=") == Outcome::wrong);
  }
  SECTION("with a proof that is too short") {
    CHECK(exchange->check("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=AAAA") ==
          Outcome::wrong);
  }
  SECTION("with what is none") { CHECK(exchange->check("p=") == Outcome::malformed); }
}

TEST_CASE("a proof is good for the connection that it is bound to") {
  const tls::ChannelBindings here{"of this connection", "of this certificate"};
  struct Row {
    const char* mechanism;
    const char* header;
    std::string bindings;
    tls::ChannelBindings connection;
    bool good;
  };
  const Row rows[] = {
      {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,", here.exporter, here, true},
      {"SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,", here.server_end_point, here, true},
      {"SCRAM-SHA-256", "n,,", "", here, true},
      {"SCRAM-SHA-256", "y,,", "", {}, true},
      {"SCRAM-SHA-256", "y,,", "", {.exporter = {}, .server_end_point = here.server_end_point}, true},
      // of another connection, or of none
      {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "of another connection", here, false},
      {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "", {}, false},
      {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,", here.server_end_point, here, false},
      {"SCRAM-SHA-256-PLUS", "p=tls-unique,,", here.exporter, here, false},
      // somebody has taken PLUS out of what we offered
      {"SCRAM-SHA-256", "y,,", "", here, false},
      {"SCRAM-SHA-256-PLUS", "n,,", "", here, false},
      {"SCRAM-SHA-256", "p=tls-exporter,,", here.exporter, here, false},
  };
  for (const Row& row : rows) {
    INFO(row.mechanism << " " << row.header << " " << row.bindings);
    Authd a;
    a.set_password("alice", "secret password");
    auto child = a.open(1);
    const Hash hash =
        std::string_view{row.mechanism}.starts_with("SCRAM-SHA-256") ? Hash::sha256 : Hash::sha1;
    Client client{hash, "alice", "secret password"};
    client.header = row.header;
    client.bindings = row.bindings;
    const auto answer = scram(a, child, row.mechanism, client, row.connection);
    CHECK(std::holds_alternative<SaslSucceeded>(answer) == row.good);
    CHECK(refusal(answer).value_or(LoginRefusal::bad_credentials) == LoginRefusal::bad_credentials);
  }
}

TEST_CASE("who proves a password by SCRAM is logged in, and nobody else is") {
  Authd a;
  a.set_password("alice", "secret password");
  a.set_password("bob", "other password");
  const auto attempt = [&](ConnectionId id, const std::string& header, const std::string& name,
                           const std::string& password) {
    auto child = a.open(id);
    Client client{Hash::sha256, name, password};
    client.header = header;
    return scram(a, child, "SCRAM-SHA-256", client);
  };
  CHECK(std::get<SaslSucceeded>(attempt(1, "n,,", "alice", "secret password")).name == "alice");
  CHECK(std::get<SaslSucceeded>(attempt(2, "n,,", "Alice@example.org", "secret password")).name == "alice");
  CHECK(std::get<SaslSucceeded>(attempt(3, "n,a=alice,", "alice", "secret password")).name == "alice");
  CHECK(a.last_proved->connection == 3);
  a.last_proved.reset();
  CHECK(refusal(attempt(4, "n,,", "alice", "wrong")) == LoginRefusal::bad_credentials);
  CHECK(refusal(attempt(5, "n,,", "nobody", "secret password")) == LoginRefusal::bad_credentials);
  CHECK(refusal(attempt(6, "n,,", "alice=2C", "secret password")) == LoginRefusal::bad_credentials);
  CHECK(refusal(attempt(7, "n,a=bob,", "alice", "secret password")) == LoginRefusal::bad_credentials);
  CHECK(refusal(attempt(8, "n,a=alice,", "bob", "other password")) == LoginRefusal::bad_credentials);
  CHECK_FALSE(a.last_proved);
}

TEST_CASE("a SCRAM exchange that is broken off leaves nothing for the next one") {
  Authd a;
  a.set_password("alice", "secret password");
  auto child = a.open(1);
  Client client{Hash::sha256, "alice", "secret password"};
  child.send(SaslStart{"SCRAM-SHA-256", client.first(), {}});
  const auto challenge = std::get<SaslChallenge>(a.answer(child)).challenge;
  SECTION("cancelled, then PLAIN with nothing proved") {
    child.send(SaslCancel{});
    CHECK(refusal(a.log_in(child, plain("alice", "wrong"))) == LoginRefusal::bad_credentials);
    child.send(SaslStart{"LOGIN", "alice"});
    a.answer(child);
    child.send(SaslRespond{"wrong"});
    CHECK(refusal(a.finish(child)) == LoginRefusal::bad_credentials);
  }
  SECTION("words behind our proof") {
    child.send(SaslRespond{client.final(challenge)});
    a.answer(child);
    child.send(SaslRespond{"and more"});
    CHECK(refusal(a.finish(child)) == LoginRefusal::malformed);
  }
  SECTION("the password is changed before the end") {
    child.send(SaslRespond{client.final(challenge)});
    a.answer(child);
    a.set_password("alice", "another password");
    child.send(SaslRespond{""});
    CHECK(refusal(a.finish(child)) == LoginRefusal::bad_credentials);
  }
  SECTION("a final message of an exchange before") {
    child.send(SaslCancel{});
    const std::string old = client.final(challenge);
    child.send(SaslStart{"SCRAM-SHA-256", client.first(), {}});
    a.answer(child);
    child.send(SaslRespond{old});
    CHECK(refusal(a.finish(child)) == LoginRefusal::bad_credentials);
  }
  CHECK_FALSE(a.last_proved);
}

TEST_CASE("exchanges of many connections at once: each proves its own name, or none") {
  constexpr std::size_t kUsers = 6, kConnections = 100, kSteps = 3'000;
  Authd a;
  a.launch.config.authd.failure_delay = std::chrono::milliseconds{0};
  a.launch.config.authd.address_failures = 100'000;
  a.launch.config.authd.account_failures = 50'000;
  const auto user = [](std::size_t n) { return "user" + std::to_string(n % kUsers); };
  const auto password = [](std::size_t n) { return "password of " + std::to_string(n % kUsers); };
  for (std::size_t i = 0; i < kUsers; ++i) a.set_password(user(i), password(i));

  // Connection i is user i's, who now and then types the next one's password.
  struct Child {
    test::Child channel;
    std::optional<Client> client;  // within SCRAM
    bool right = false;
    int stage = 0;
  };
  std::vector<Child> children(kConnections);
  for (std::size_t i = 0; i < kConnections; ++i) children[i].channel = a.open(i + 1);
  std::mt19937 random{1};
  std::size_t proved = 0, refused = 0;
  const auto begin = [&](std::size_t i) {
    Child& child = children[i];
    child.right = random() % 2 == 0;
    child.stage = 1;
    child.client.reset();
    const std::string typed = password(child.right ? i : i + 1);
    switch (random() % 4) {
    case 0:
      return child.channel.send(SaslStart{"PLAIN", plain(user(i), typed), {}});
    case 1:
      return child.channel.send(SaslStart{"LOGIN", user(i), {}});
    default:
      child.client.emplace(Hash::sha256, user(i), typed);
      return child.channel.send(SaslStart{"SCRAM-SHA-256", child.client->first(), {}});
    }
  };
  const auto answer_challenge = [&](std::size_t i, const SaslChallenge& challenge) {
    Child& child = children[i];
    if (random() % 8 == 0) {
      child.channel.send(SaslCancel{});
      child.stage = 0;
    } else if (challenge.challenge == "Password:") {
      child.channel.send(SaslRespond{password(child.right ? i : i + 1)});
    } else if (challenge.challenge.starts_with("v=")) {
      child.channel.send(SaslRespond{""});
    } else {
      child.channel.send(SaslRespond{child.client->final(challenge.challenge)});
    }
  };
  for (std::size_t step = 0; step < kSteps; ++step) {
    const std::size_t i = random() % kConnections;
    Child& child = children[i];
    if (child.stage == 0) begin(i);
    a.pump();
    while (auto name = a.policyd.next_as<NameProved>()) {
      CHECK(name->name == user(name->connection - 1));
      CHECK(children[name->connection - 1].right);
      ++proved;
      a.policyd.send(NotAdmitted{name->connection, LoginRefusal::service_off});  // so that it may try again
    }
    const auto answer = child.channel.next();
    if (!answer) continue;
    if (const auto* challenge = std::get_if<SaslChallenge>(&*answer)) {
      answer_challenge(i, *challenge);
      continue;
    }
    const bool wrong = refusal(*answer) == LoginRefusal::bad_credentials;
    CHECK((wrong ? !child.right
                 : refusal(*answer) == LoginRefusal::service_off ||
                       refusal(*answer) == LoginRefusal::too_many));
    refused += wrong ? 1 : 0;
    child.stage = 0;
  }
  CHECK(proved > 50);
  CHECK(refused > 50);
}

TEST_CASE("a name that is not an account's has the challenge that it would have") {
  Authd a;
  const std::string before = challenge_for(a, 1, "alice");
  CHECK(challenge_for(a, 2, "alice") == before);
  a.set_password("alice", "secret password");
  CHECK(challenge_for(a, 3, "alice") == before);
  CHECK(challenge_for(a, 4, "ALICE@example.org") == before);
  CHECK(challenge_for(a, 5, "bob") != before);
  CHECK(challenge_for(a, 6, "alice", "SCRAM-SHA-1") != before);
  a.set_password("alice", "changed password");
  CHECK(challenge_for(a, 7, "alice") == before);
  a.ask(SetHashes{{{"alice", "krb5:alice@EXAMPLE.ORG"}}});
  CHECK(challenge_for(a, 8, "alice") == before);
  a.start();
  CHECK(challenge_for(a, 9, "alice") == before);
}

TEST_CASE("an account that came as a hash can use SCRAM once its password was seen") {
  Authd a;
  a.ask(SetHashes{{{"alice", "$y$j75$eVpkyAvG7TQhyGtHXhxKo.$rl4PcNJ7vHn0wZ4ISPMQSNYAP8ItP3XDV6TcR7T0Bq1"}}});
  a.set_password("bob", "secret password");
  auto child = a.open(1);
  Client client{Hash::sha1, "carol", "secret password"};
  a.ask(SetHashes{{{"carol", *authd::make_hash(authd::Secret{"secret password"}, 1)}}});
  CHECK_FALSE(a.ask<SecretFacts>(DescribeSecret{"carol"}).scram);
  CHECK(refusal(scram(a, child, "SCRAM-SHA-1", client)) == LoginRefusal::bad_credentials);
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(child, plain("carol", "secret password"))));
  CHECK(a.ask<SecretFacts>(DescribeSecret{"carol"}).scram);
  auto next = a.open(2);
  CHECK(std::holds_alternative<SaslSucceeded>(scram(a, next, "SCRAM-SHA-1", client)));
  CHECK(a.ask<SecretFacts>(DescribeSecret{"alice"}).kind == SecretKind::password);
  CHECK(a.ask<SecretFacts>(DescribeSecret{"nobody"}).kind == SecretKind::none);
}

TEST_CASE("a password that has no verifiers costs a login nothing and says nothing") {
  const std::string password = GENERATE(as<std::string>{}, "lock \U0001f512 and key", "with\ttabulator");
  Authd a;
  a.set_password("alice", password);
  const std::string stored = a.stored();
  REQUIRE_FALSE(stored.empty());
  for (ConnectionId id = 1; id <= 3; ++id) {
    auto child = a.open(id);
    CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(child, plain("alice", password))));
  }
  CHECK(a.stored() == stored);
  CHECK(a.log().find("verifiers-made") == std::string::npos);
  CHECK_FALSE(a.ask<SecretFacts>(DescribeSecret{"alice"}).scram);
}

TEST_CASE("verifiers whose salt is of another time are made anew when the password is proved") {
  Authd a;
  a.set_password("bob@dept.example.org", "secret password");
  a.launch.config.domains.emplace_back("dept.example.org");
  auto child = a.open(1);
  CHECK(std::holds_alternative<SaslSucceeded>(
      a.log_in(child, plain("bob@dept.example.org", "secret password"))));
  CHECK(a.log().find("verifiers-made") != std::string::npos);
  CHECK(challenge_for(a, 2, "bob@dept.example.org") == challenge_for(a, 3, "bob"));
  auto next = a.open(4);
  const Client client{Hash::sha256, "bob@dept.example.org", "secret password"};
  CHECK(std::holds_alternative<SaslSucceeded>(scram(a, next, "SCRAM-SHA-256", client)));
  auto again = a.open(5);
  CHECK(std::holds_alternative<SaslSucceeded>(
      a.log_in(again, plain("bob@dept.example.org", "secret password"))));
  CHECK(a.log().find("verifiers-made") == std::string::npos);
}

TEST_CASE("without authd.scram there is no such mechanism, and no verifier") {
  Authd a;
  a.launch.config.authd.scram = false;
  a.set_password("alice", "secret password");
  auto child = a.open(1);
  CHECK(refusal(scram(a, child, "SCRAM-SHA-256", {Hash::sha256, "alice", "secret password"})) ==
        LoginRefusal::mechanism_unknown);
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(child, plain("alice", "secret password"))));
  CHECK_FALSE(a.ask<SecretFacts>(DescribeSecret{"alice"}).scram);
}

TEST_CASE("the age of a password") {
  using namespace std::chrono_literals;
  using authd::password_age;
  constexpr std::uint64_t kDay = 86'400, kSet = 1'000'000;
  CHECK_FALSE(password_age(kSet, kSet + 1000 * kDay, 0s, 24h).expired);
  CHECK_FALSE(password_age(kSet, kSet + 9 * kDay, 240h, 24h).days_left == 2);
  CHECK_FALSE(password_age(kSet, kSet + 9 * kDay - 1, 240h, 24h).days_left);
  CHECK(password_age(kSet, kSet + 9 * kDay, 240h, 24h).days_left == 1);
  CHECK(password_age(kSet, kSet + 8 * kDay - 1, 240h, 72h).days_left == 3);
  CHECK_FALSE(password_age(kSet, kSet + 10 * kDay - 1, 240h, 24h).expired);
  CHECK(password_age(kSet, kSet + 10 * kDay, 240h, 24h).expired);
  CHECK_FALSE(password_age(kSet, kSet - kDay, 240h, 24h).expired);
}

TEST_CASE("a password that has become too old is refused with these words, by who has it") {
  using namespace std::chrono_literals;
  Authd a;
  a.set_password("alice", "secret password");
  a.launch.config.authd.password_max_age = 1h;
  auto child = a.open(1);
  const auto warned = a.log_in(child, plain("alice", "secret password"));
  CHECK(std::get<SaslSucceeded>(warned).password_days == 1);
  CHECK(a.log().find("password-expires") != std::string::npos);
  a.launch.config.authd.password_max_age = 1ms;
  std::this_thread::sleep_for(1100ms);  // ages are whole seconds
  auto late = a.open(2);
  CHECK(refusal(a.log_in(late, plain("alice", "secret password"))) == LoginRefusal::expired);
  CHECK(refusal(a.log_in(late, plain("alice", "wrong"))) == LoginRefusal::bad_credentials);
  const Client client{Hash::sha256, "alice", "secret password"};
  CHECK(refusal(scram(a, late, "SCRAM-SHA-256", client)) == LoginRefusal::expired);
  CHECK(refusal(scram(a, late, "SCRAM-SHA-256", {Hash::sha256, "alice", "wrong"})) ==
        LoginRefusal::bad_credentials);
  auto device = a.open(3, {}, Service::relay);
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(device, plain("alice", "secret password"))));
  const auto facts = a.ask<SecretFacts>(DescribeSecret{"alice"});
  CHECK(facts.changed > 0);
  CHECK(facts.expires == facts.changed);
}

TEST_CASE("a listener speaks for its own service alone: not for devices, whose passwords have no age") {
  Authd a;
  auto [ours, theirs] = ipc::make_channel();
  a.imap.send(ConnectionOpened{1, Service::relay, {}}, std::move(ours));
  CHECK(a.wait_for([&]() -> std::optional<bool> {
    return a.log().find("a connection of another service") != std::string::npos ? std::optional{true}
                                                                                : std::nullopt;
  }));
}
