#include <random>

#include "tests/unit/policyd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;

TEST_CASE("the listener has the verdict before authd hears of it") {
  Policyd p;
  const AccountId alice = p.add("alice");
  p.imap.send(ConnectionOpened{1, Service::imap, {}});
  p.pump();
  p.authd.send(NameProved{1, "alice"});
  p.pump();
  const auto verdict = p.imap.next_as<StartSession>();
  REQUIRE(verdict);
  CHECK(verdict->connection == 1);
  CHECK(verdict->account == alice);
  CHECK(verdict->name == "alice");
  CHECK_FALSE(p.authd.next());
  CHECK_FALSE(p.pop.next());
  p.imap.send(VerdictTaken{1});
  p.pump();
  CHECK(p.authd.next_as<Admitted>()->connection == 1);
}

TEST_CASE("a name proved just after the connection was opened is not too early") {
  Policyd p;
  p.add("alice");
  // Both wait when the loop looks; authd's channel may be looked at first.
  p.authd.send(NameProved{1, "alice"});
  p.pop.send(ConnectionOpened{1, Service::pop3, {}});
  p.pump();
  CHECK(p.pop.next_as<StartSession>());
}

TEST_CASE("an account logs in to its services only, while it is enabled and there") {
  Policyd p;
  p.add("alice", state::kPop);
  p.imap.send(ConnectionOpened{1, Service::imap, {}});
  p.pop.send(ConnectionOpened{2, Service::pop3, {}});
  const auto refusal = [&](ConnectionId connection, const std::string& name) {
    p.authd.send(NameProved{connection, name});
    p.pump();
    const auto refused = p.authd.next_as<NotAdmitted>();
    REQUIRE(refused);
    CHECK(refused->connection == connection);
    return refused->failure;
  };
  CHECK(refusal(1, "alice") == LoginRefusal::service_off);
  CHECK(refusal(2, "bob") == LoginRefusal::bad_credentials);
  CHECK(refusal(2, "") == LoginRefusal::bad_credentials);
  p.ask(ChangeAccount{.name = "alice", .disabled = true});
  CHECK(refusal(2, "alice") == LoginRefusal::disabled);
  p.ask(ChangeAccount{.name = "alice", .disabled = false});
  while (p.pop.next()) {
  }
  p.authd.send(NameProved{2, "alice"});
  p.pump();
  CHECK(p.pop.next_as<StartSession>());
}

TEST_CASE("an unacknowledged verdict expires, and its late acknowledgement admits nobody") {
  Policyd p{{.verdict = std::chrono::milliseconds{20}, .authorise = std::chrono::seconds{10}}};
  p.add("alice");
  p.imap.send(ConnectionOpened{1, Service::imap, {}});
  p.pump();
  p.authd.send(NameProved{1, "alice"});
  p.pump(std::chrono::milliseconds{60});
  CHECK(p.authd.next_as<NotAdmitted>()->failure == LoginRefusal::unavailable);
  p.imap.send(VerdictTaken{1});
  p.pump();
  CHECK_FALSE(p.authd.next());
  CHECK(p.imap.next_as<StartSession>());
  CHECK_FALSE(p.imap.is_closed());
}

TEST_CASE("a change ends sessions and verdicts that are on their way") {
  Policyd p;
  const AccountId alice = p.add("alice");
  p.imap.send(ConnectionOpened{1, Service::imap, {}});
  p.pump();
  p.authd.send(NameProved{1, "alice"});
  p.pump();
  CHECK(p.imap.next_as<StartSession>());
  p.ask(ChangeAccount{.name = "alice", .disabled = true});
  CHECK(p.imap.next_as<EndSessions>()->account == alice);
  CHECK(p.pop.next_as<EndSessions>()->account == alice);
  CHECK(p.authd.next_as<NotAdmitted>()->failure == LoginRefusal::disabled);
  p.imap.send(VerdictTaken{1});
  p.pump();
  CHECK_FALSE(p.authd.next());
  CHECK_FALSE(p.submission.next());
}

TEST_CASE("a new password ends sessions; that of nobody ends none") {
  Policyd p;
  const AccountId alice = p.add("alice");
  p.authd.send(SecretChanged{"alice"});
  p.authd.send(SecretChanged{"nobody"});
  p.pump();
  CHECK(p.imap.next_as<EndSessions>()->account == alice);
  CHECK_FALSE(p.imap.next());
}

TEST_CASE("authd's hostile twin: a name for no connection, a closed one, an mx connection, or twice") {
  Policyd p;
  p.add("alice");
  p.add("bob");
  p.imap.send(ConnectionOpened{1, Service::imap, {}});
  auto child = p.open_smtp(p.mx, 2, Service::mx);
  p.pump();
  ConnectionId connection = 1;
  SECTION("no connection") { connection = 99; }
  SECTION("an mx connection") { connection = 2; }
  SECTION("a closed connection") {
    p.imap.send(ConnectionClosed{1});
    p.pump();
  }
  SECTION("twice, while the listener is asked") {
    p.authd.send(NameProved{1, "alice"});
    p.pump();
    CHECK(p.imap.next_as<StartSession>());
  }
  SECTION("twice, for another account, after the verdict was taken") {
    p.authd.send(NameProved{1, "alice"});
    p.pump();
    CHECK(p.imap.next_as<StartSession>());
    p.imap.send(VerdictTaken{1});
    p.pump();
    CHECK(p.authd.next_as<Admitted>());
  }
  p.log();
  p.authd.send(NameProved{connection, "bob"});
  p.pump();
  CHECK(p.authd.next_as<NotAdmitted>()->connection == connection);
  CHECK_FALSE(p.imap.next());
  CHECK(p.logged("peer-misbehaved"));
}

TEST_CASE("a listener's hostile twin ends its own channel, and only that") {
  Policyd p;
  p.add("alice");
  p.imap.send(ConnectionOpened{1, Service::imap, {}});
  p.pop.send(ConnectionOpened{2, Service::pop3, {}});
  p.pump();
  p.log();
  SECTION("a verdict taken for nothing") { p.pop.send(VerdictTaken{2}); }
  SECTION("a verdict taken for another's connection") {
    p.authd.send(NameProved{1, "alice"});
    p.pump();
    p.pop.send(VerdictTaken{1});
  }
  SECTION("a verdict taken for no connection") { p.pop.send(VerdictTaken{99}); }
  SECTION("the end of another's connection") { p.pop.send(ConnectionClosed{1}); }
  SECTION("another service") { p.pop.send(ConnectionOpened{3, Service::imap, {}}); }
  SECTION("another's connection id") { p.pop.send(ConnectionOpened{1, Service::pop3, {}}); }
  SECTION("a connection with a descriptor") {
    auto [ours, theirs] = ipc::make_channel();
    p.pop.send(ConnectionOpened{3, Service::pop3, {}}, std::move(ours));
  }
  SECTION("garbage") { p.pop.send_raw("\x07"); }
  SECTION("nothing but an index") { p.pop.send_raw(std::string(1, '\0')); }
  p.pump();
  CHECK(p.pop.is_closed());
  CHECK(p.log().find("pop3d#1") != std::string::npos);
  // Its connections are gone with it; the others' are not.
  p.authd.send(NameProved{2, "alice"});
  p.pump();
  CHECK(p.authd.next_as<NotAdmitted>());
  CHECK_FALSE(p.imap.is_closed());
}

TEST_CASE("an smtp connection without its channel ends the listener's") {
  Policyd p;
  p.mx.send(ConnectionOpened{1, Service::mx, {}});
  p.pump();
  CHECK(p.mx.is_closed());
}

// SECURITY.md V12: whatever the order, a connection gets the account that was proved on it.
TEST_CASE("interleaved logins never mix accounts") {
  Policyd p;
  std::vector<AccountId> accounts;
  for (int i = 0; i < 8; ++i) accounts.push_back(p.add("u" + std::to_string(i)));
  std::mt19937 random{7};
  std::map<ConnectionId, std::size_t> waiting;
  ConnectionId next = 1;
  for (int step = 0; step < 20'000; ++step) {
    const ConnectionId connection = next++;
    const std::size_t who = random() % accounts.size();
    p.imap.send(ConnectionOpened{connection, Service::imap, {}});
    p.authd.send(NameProved{connection, "u" + std::to_string(who)});
    waiting[connection] = who;
    if (step % 64 != 63) continue;
    p.pump(std::chrono::milliseconds{1});
    std::vector<ConnectionId> asked;
    while (auto verdict = p.imap.next_as<StartSession>()) {
      CHECK(verdict->account == accounts.at(waiting.at(verdict->connection)));
      waiting.erase(verdict->connection);
      asked.push_back(verdict->connection);
    }
    std::shuffle(asked.begin(), asked.end(), random);
    for (const ConnectionId id : asked) p.imap.send(VerdictTaken{id});
    p.pump(std::chrono::milliseconds{1});
    std::size_t admitted = 0;
    while (p.authd.next_as<Admitted>()) ++admitted;
    CHECK(admitted == asked.size());
    for (const ConnectionId id : asked) p.imap.send(ConnectionClosed{id});
  }
}
