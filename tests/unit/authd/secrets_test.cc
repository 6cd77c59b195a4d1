#include "daemons/authd/password_hash.h"
#include "tests/unit/authd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;

TEST_CASE("a secret that is set is there after a restart; one that is removed is not") {
  Authd a;
  a.set_password("Alice", "secret password");
  a.start();
  auto child = a.open(1);
  CHECK(std::holds_alternative<SaslSucceeded>(a.log_in(child, plain("alice", "secret password"))));
  a.ask(RemoveSecret{"ALICE"});
  a.ask(RemoveSecret{"alice"});  // also when there is none
  auto other = a.open(2);
  CHECK(refusal(a.log_in(other, plain("alice", "secret password"))) == LoginRefusal::bad_credentials);
}

TEST_CASE("policyd hears of a secret that another one replaced, and only of that") {
  Authd a;
  a.set_password("alice", "secret password");
  a.pump();
  CHECK_FALSE(a.policyd.next());
  a.set_password("alice", "another password");
  a.pump();
  CHECK(a.policyd.next_as<SecretChanged>()->name == "alice");
  a.ask(RemoveSecret{"alice"});
  a.pump();
  CHECK(a.policyd.next_as<SecretChanged>()->name == "alice");
}

TEST_CASE("policyd hears later of what changed while it was away") {
  Authd a;
  a.set_password("alice", "secret password");
  a.policyd.close();
  a.pump();
  a.set_password("alice", "another password");
  a.policyd = a.attach<test::Policyd>("authd-policyd", "policyd#2");
  a.pump();
  CHECK(a.policyd.next_as<SecretChanged>()->name == "alice");
  CHECK_FALSE(a.policyd.next());
}

TEST_CASE("passwords and hashes that are not good enough are refused in words") {
  Authd a;
  CHECK(a.ask<ToolRefused>(SetPassword{"alice", "short"}).reason.find("shorter than 8") != std::string::npos);
  CHECK(a.ask<ToolRefused>(SetPassword{"alice", std::string(512, 'x')}).reason != "");
  CHECK(a.ask<ToolRefused>(SetPassword{"alice", std::string("with\0a NUL", 10)}).reason != "");
  CHECK(a.ask<ToolRefused>(SetPassword{"../alice", "secret password"}).reason != "");
  const std::string good = *authd::make_hash(authd::Secret{"x"}, 1);
  CHECK(a.ask<ToolRefused>(SetHashes{{{"bob", good}, {"alice", "plain"}}}).reason.starts_with("alice: "));
  auto child = a.open(1);
  CHECK(refusal(a.log_in(child, plain("bob", "x"))) == LoginRefusal::bad_credentials);  // all or none
}

TEST_CASE("an unknown name is checked against the hash of its neighbour") {
  DaemonHost place;
  auto store = authd::SecretStore::open(".", [] { return std::string("stand-in"); });
  CHECK(store.stand_in_for("x") == "stand-in");
  store.set({{"b", "hash b"}, {"d", "hash d"}});
  CHECK(store.stand_in_for("") == "hash b");
  CHECK(store.stand_in_for("c") == "hash d");
  CHECK(store.stand_in_for("z") == "hash d");
  CHECK(store.stand_in_for(std::string(2000, 'c')) == "hash d");
  CHECK_FALSE(store.hash_of("c"));
  CHECK_FALSE(store.hash_of(""));
}

TEST_CASE("a secret in memory has one owner and is overwritten at its end") {
  authd::Secret first{"secret"};
  const char* where = first.c_str();
  authd::Secret second{std::move(first)};
  CHECK(second.c_str() == where);
  CHECK(first.size() == 0);
  CHECK(std::string(first.c_str()).empty());
}
