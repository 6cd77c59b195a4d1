#include "daemons/authd/password_hash.h"
#include "tests/unit/authd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;
using Clock = std::chrono::steady_clock;

namespace {
// The fixture's failure_delay, less what a timer of the loop may be early.
constexpr std::chrono::milliseconds kAlmostDelay{28};
}  // namespace

TEST_CASE("a right password proves the name to policyd, and the client hears of it after that") {
  Authd a;
  a.set_password("alice", "secret password");
  auto child = a.open(1);
  child.send(SaslStart{"PLAIN", plain("Alice", "secret password")});
  const auto proved = a.wait_for([&] { return a.policyd.next_as<NameProved>(); });
  REQUIRE(proved);
  CHECK(proved->connection == 1);
  CHECK(proved->name == "alice");
  a.pump();
  CHECK_FALSE(child.next());
  a.policyd.send(Admitted{1});
  const auto answer = a.answer(child);
  CHECK(std::get<SaslSucceeded>(answer).name == "alice");
}

TEST_CASE("the address of a local domain logs in as well, in two steps too") {
  Authd a;
  a.set_password("alice", "secret password");
  auto child = a.open(1);
  child.send(SaslStart{"LOGIN", std::nullopt});
  CHECK(std::get<SaslChallenge>(a.answer(child)).challenge == "Username:");
  child.send(SaslRespond{"alice@example.org"});
  CHECK(std::get<SaslChallenge>(a.answer(child)).challenge == "Password:");
  child.send(SaslRespond{"secret password"});
  CHECK(std::get<SaslSucceeded>(a.finish(child)).name == "alice");
  auto other = a.open(2);
  CHECK(refusal(a.log_in(other, plain("alice@example.net", "secret password"))) ==
        LoginRefusal::bad_credentials);
}

TEST_CASE("every wrong login has one answer, after the same time") {
  Authd a;
  a.set_password("alice", "secret password");
  ConnectionId id = 0;
  for (const std::string& message :
       {plain("alice", "wrong"), plain("nobody", "secret password"), plain("alice", ""), plain("", "x"),
        plain("alice", "secret password", "bob"), plain("bob", "secret password", "alice"),
        plain("alice", std::string("secret password\0", 16)), plain("alice.", "secret password"),
        plain("alice ", "secret password"), plain("../alice", "secret password"), plain("%n%n%s", "x"),
        plain("' or 1=1--", "x"), plain("*)(uid=*", "x"), plain("alice@../../x", "secret password"),
        plain("alice", std::string(1'048'576 / 32, 'x')), plain("a\nlogin-succeeded", "x")}) {
    auto child = a.open(++id);
    const auto began = Clock::now();
    CHECK(refusal(a.log_in(child, message)) == LoginRefusal::bad_credentials);
    CHECK(Clock::now() - began >= kAlmostDelay);
  }
  CHECK_FALSE(a.last_proved);
  CHECK(a.log().find("\nlogin-succeeded") == std::string::npos);
}

TEST_CASE("broken messages and unknown mechanisms are refused at once, and the connection stays usable") {
  Authd a;
  a.set_password("alice", "secret password");
  auto child = a.open(1);
  child.send(SaslStart{"GSSAPI", std::nullopt});
  CHECK(refusal(a.answer(child)) == LoginRefusal::mechanism_unknown);
  child.send(SaslStart{"PLAIN", "no NUL"});
  CHECK(refusal(a.answer(child)) == LoginRefusal::malformed);
  child.send(SaslStart{"LOGIN", std::nullopt});
  a.answer(child);
  child.send(SaslCancel{});
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(child, plain("alice", "secret password"))));
}

TEST_CASE("policyd's refusal is the answer, and another attempt may follow") {
  Authd a;
  a.set_password("alice", "secret password");
  auto child = a.open(1);
  for (auto why : {LoginRefusal::disabled, LoginRefusal::service_off, LoginRefusal::unavailable}) {
    child.send(SaslStart{"PLAIN", plain("alice", "secret password")});
    REQUIRE(a.wait_for([&] { return a.policyd.next_as<NameProved>(); }));
    a.policyd.send(NotAdmitted{1, why});
    CHECK(refusal(a.answer(child)) == why);
  }
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(child, plain("alice", "secret password"))));
}

TEST_CASE("without policyd nobody is admitted") {
  Authd a;
  a.set_password("alice", "secret password");
  auto child = a.open(1);
  SECTION("it is away") {
    a.policyd.close();
    a.pump();
    child.send(SaslStart{"PLAIN", plain("alice", "secret password")});
  }
  SECTION("it goes away") {
    child.send(SaslStart{"PLAIN", plain("alice", "secret password")});
    REQUIRE(a.wait_for([&] { return a.policyd.next_as<NameProved>(); }));
    a.policyd.close();
  }
  CHECK(refusal(a.answer(child)) == LoginRefusal::unavailable);
  a.policyd = a.attach<test::Policyd>("authd-policyd", "policyd#2");
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(child, plain("alice", "secret password"))));
}

TEST_CASE("failures for a name delay every answer for it, right ones too, and lock nobody out") {
  Authd a;
  a.launch.config.authd.account_failures = 3;
  a.set_password("alice", "secret password");
  a.set_password("bob", "secret password");
  for (ConnectionId id = 1; id <= 5; ++id) {
    auto child = a.open(id);
    // Other spellings of the name count for it.
    a.log_in(child, plain(id % 2 == 0 ? "alice@example.org" : "ALICE", "wrong"));
  }
  a.log();
  auto delayed = a.open(10);
  const auto began = Clock::now();
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(delayed, plain("alice", "secret password"))));
  CHECK(Clock::now() - began >= 3 * kAlmostDelay);
  CHECK(a.log().find("login-delayed") != std::string::npos);
  auto other = a.open(11);
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(other, plain("bob", "secret password"))));
  CHECK(a.log().find("login-delayed") == std::string::npos);
}

TEST_CASE("failures from an address shut it out, and no other") {
  Authd a;
  a.launch.config.authd.address_failures = 3;
  a.set_password("alice", "secret password");
  const IpAddress bad{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 1}, 1000};
  const IpAddress same_network{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 2}, 2000};
  const IpAddress good{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1}, 1000};
  for (ConnectionId id = 1; id <= 3; ++id) {
    auto child = a.open(id, bad);
    CHECK(refusal(a.log_in(child, plain("u" + std::to_string(id), "wrong"))) ==
          LoginRefusal::bad_credentials);
  }
  auto child = a.open(10, same_network);
  CHECK(refusal(a.log_in(child, plain("alice", "secret password"))) == LoginRefusal::too_many);
  auto other = a.open(11, good);
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(other, plain("alice", "secret password"))));
}

TEST_CASE("a connection has a bounded number of attempts") {
  Authd a;
  a.launch.config.authd.failure_delay = std::chrono::milliseconds{0};
  a.launch.config.authd.account_failures = 1000;
  auto child = a.open(1);
  for (unsigned i = 0; i < authd::kMaxAttempts; ++i)
    CHECK(refusal(a.log_in(child, plain("u", "wrong"))) == LoginRefusal::bad_credentials);
  CHECK(refusal(a.log_in(child, plain("u", "wrong"))) == LoginRefusal::too_many);
}

TEST_CASE("more passwords than threads can take are refused for now") {
  Authd a;
  a.launch.config.authd.max_waiting = 0;
  auto child = a.open(1);
  CHECK(refusal(a.log_in(child, plain("alice", "x"))) == LoginRefusal::unavailable);
}

TEST_CASE("a hostile connection process: every move out of turn ends its channel, and nothing else") {
  Authd a;
  a.set_password("alice", "secret password");
  auto honest = a.open(1);
  auto twin = a.open(2);
  a.pump();
  a.log();
  SECTION("an answer to no challenge") { twin.send(SaslRespond{plain("alice", "secret password")}); }
  SECTION("a cancel of nothing") { twin.send(SaslCancel{}); }
  SECTION("two attempts at once") {
    twin.send(SaslStart{"PLAIN", plain("alice", "wrong")});
    twin.send(SaslStart{"PLAIN", plain("alice", "secret password")});
  }
  SECTION("another start within an exchange") {
    twin.send(SaslStart{"LOGIN", std::nullopt});
    twin.send(SaslStart{"LOGIN", std::nullopt});
  }
  SECTION("a login after the login") {
    a.log_in(twin, plain("alice", "secret password"));
    twin.send(SaslStart{"PLAIN", plain("alice", "secret password")});
  }
  SECTION("exchanges without end") {
    for (unsigned i = 0; i <= authd::kMaxExchanges; ++i) {
      twin.send(SaslStart{"X", std::nullopt});
      if (i % 16 == 0) a.pump();
      while (twin.next()) {
      }
    }
  }
  SECTION("garbage") { twin.send_raw("\xff"); }
  SECTION("a count without its octets") { twin.send_raw(std::string("\x01\xff\xff\xff\xff", 5)); }
  a.pump();
  a.pump();
  CHECK(a.log().find("peer-misbehaved") != std::string::npos);
  while (twin.next()) {
  }
  CHECK(twin.is_closed());
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(honest, plain("alice", "secret password"))));
}

TEST_CASE("a connection that ends while its password is checked is forgotten") {
  Authd a;
  a.set_password("alice", "secret password");
  auto child = a.open(1);
  child.send(SaslStart{"PLAIN", plain("alice", "secret password")});
  SECTION("by itself") { child.close(); }
  SECTION("by its listener") { a.imap.send(ConnectionClosed{1}); }
  SECTION("with its listener") { a.imap.close(); }
  for (int i = 0; i < 20; ++i) a.pump();
  // It may have been proved before it ended; nothing of it is left.
  while (auto proved = a.policyd.next_as<NameProved>()) a.policyd.send(Admitted{proved->connection});
  a.pump();
  CHECK_FALSE(child.next());
}

TEST_CASE("policyd's twin: an admission that nobody asked for admits nobody") {
  Authd a;
  a.set_password("alice", "secret password");
  auto child = a.open(1);
  a.policyd.send(Admitted{1});
  a.policyd.send(NotAdmitted{1, LoginRefusal::disabled});
  a.policyd.send(Admitted{99});
  a.pump();
  CHECK_FALSE(child.next());
  child.send(SaslStart{"PLAIN", plain("alice", "wrong")});
  a.policyd.send(Admitted{1});
  CHECK(refusal(a.answer(child)) == LoginRefusal::bad_credentials);
}

TEST_CASE("a listener's hostile twin ends its own channel, and only that") {
  Authd a;
  auto child = a.open(1);
  a.pump();
  SECTION("a connection without its channel") { a.pop.send(ConnectionOpened{2, Service::pop3, {}}); }
  SECTION("the end of another's connection") { a.pop.send(ConnectionClosed{1}); }
  SECTION("another's connection id") {
    auto [ours, theirs] = ipc::make_channel();
    a.pop.send(ConnectionOpened{1, Service::pop3, {}}, std::move(ours));
  }
  SECTION("garbage") { a.pop.send_raw("\x09"); }
  a.pump();
  CHECK(a.pop.is_closed());
  CHECK_FALSE(child.is_closed());
  CHECK_FALSE(a.imap.is_closed());
}

TEST_CASE("a hundred logins at once, each with its own password, are each their own") {
  Authd a;
  SetHashes secrets;
  for (int i = 0; i < 20; ++i)
    secrets.secrets.push_back(
        {"u" + std::to_string(i), *authd::make_hash(authd::Secret{"pw" + std::to_string(i)}, 1)});
  a.ask(secrets);
  std::vector<Child> children;
  for (int i = 0; i < 100; ++i) {
    children.push_back(a.open(static_cast<ConnectionId>(i)));
    children.back().send(
        SaslStart{"PLAIN", plain("u" + std::to_string(i % 20), "pw" + std::to_string(i % 20))});
  }
  for (int proved = 0; proved < 100; ++proved) {
    const auto message = a.wait_for([&] { return a.policyd.next_as<NameProved>(); });
    REQUIRE(message);
    CHECK(message->name == "u" + std::to_string(message->connection % 20));
    a.policyd.send(Admitted{message->connection});
  }
  for (int i = 0; i < 100; ++i)
    CHECK(std::get<SaslSucceeded>(a.answer(children[i])).name == "u" + std::to_string(i % 20));
}
