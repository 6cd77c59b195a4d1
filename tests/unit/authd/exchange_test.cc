#include "daemons/authd/exchange.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace mailroom;
using namespace mailroom::authd;

namespace {

// The parts with a NUL between each two.
std::string octets(const std::vector<std::string>& parts) {
  std::string joined = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) joined.append(1, '\0').append(parts[i]);
  return joined;
}

Exchange::Step start(Exchange& exchange, const std::string& mechanism, std::optional<std::string> initial) {
  SaslStart message{mechanism, std::move(initial)};
  return exchange.start(message);
}

Exchange::Step respond(Exchange& exchange, const std::string& response) {
  SaslRespond message{response};
  return exchange.respond(message);
}

}  // namespace

TEST_CASE("PLAIN in one step and in two") {
  Exchange exchange;
  const std::string message = octets({"", "alice", "secret"});
  auto step = start(exchange, "PLAIN", message);
  CHECK(std::get<Attempt>(step).name == "alice");
  CHECK(std::string(std::get<Attempt>(step).password.c_str()) == "secret");
  CHECK_FALSE(exchange.is_open());

  step = start(exchange, "plain", std::nullopt);
  CHECK(std::get<SaslChallenge>(step).challenge.empty());
  CHECK(exchange.is_open());
  step = respond(exchange, message);
  CHECK(std::get<Attempt>(step).name == "alice");
  CHECK_FALSE(exchange.is_open());
}

TEST_CASE("LOGIN asks for name and password") {
  Exchange exchange;
  auto step = start(exchange, "LOGIN", std::nullopt);
  CHECK(std::get<SaslChallenge>(step).challenge == "Username:");
  step = respond(exchange, "alice");
  CHECK(std::get<SaslChallenge>(step).challenge == "Password:");
  step = respond(exchange, "secret");
  CHECK(std::get<Attempt>(step).name == "alice");
  CHECK_FALSE(exchange.is_open());

  step = start(exchange, "LOGIN", "bob");
  CHECK(std::get<SaslChallenge>(step).challenge == "Password:");
  step = respond(exchange, "secret");
  CHECK(std::get<Attempt>(step).name == "bob");
}

TEST_CASE("nobody acts as anybody else") {
  Exchange exchange;
  const auto name_of = [&](const std::string& message) {
    auto step = start(exchange, "PLAIN", message);
    return std::get<Attempt>(step).name;
  };
  CHECK(name_of(octets({"victim", "attacker", "pw"})).empty());
  CHECK(name_of(octets({"", "attacker", "pw"})) == "attacker");
  CHECK(name_of(octets({"Attacker", "attacker", "pw"})) == "attacker");
  CHECK(name_of(octets({"attacker ", "attacker", "pw"})).empty());
}

TEST_CASE("what no account can have is an attempt of nobody, what is no message is malformed") {
  Exchange exchange;
  for (const std::string& message :
       {octets({"", "alice", ""}), octets({"", "", "pw"}), octets({"", "alice", std::string(1025, 'x')}),
        octets({"", "a\tb", "pw"}), octets({"", "a\nb", "pw"}), octets({"", "a", "pw", "x"}),
        octets({"", std::string(256, 'a'), "pw"}), octets({"", "alice", "secret", ""})}) {
    auto step = start(exchange, "PLAIN", message);
    REQUIRE(std::holds_alternative<Attempt>(step));
    CHECK(std::get<Attempt>(step).name.empty());
  }
  for (const std::string& message : {std::string{}, std::string("alice"), octets({"", "alice"})})
    CHECK(std::get<LoginRefusal>(start(exchange, "PLAIN", message)) == LoginRefusal::malformed);
  CHECK(std::get<LoginRefusal>(start(exchange, "CRAM-MD5", std::nullopt)) == LoginRefusal::mechanism_unknown);
  CHECK(std::get<LoginRefusal>(start(exchange, "", std::nullopt)) == LoginRefusal::mechanism_unknown);
}

// CVE-2011-1720: a cancelled exchange left state behind.
TEST_CASE("a cancelled exchange leaves nothing for the next") {
  Exchange exchange;
  for (int i = 0; i < 1000; ++i) {
    start(exchange, i % 2 == 0 ? "LOGIN" : "PLAIN", std::nullopt);
    if (i % 3 == 0 && i % 2 == 0) respond(exchange, "victim");
    exchange.cancel();
    CHECK_FALSE(exchange.is_open());
  }
  auto step = start(exchange, "LOGIN", std::nullopt);
  CHECK(std::get<SaslChallenge>(step).challenge == "Username:");
}

TEST_CASE("what carried a password is overwritten") {
  Exchange exchange;
  SaslStart message{"PLAIN", octets({"", "alice", "a secret that is long enough for the heap"})};
  const char* where = message.initial_response->data();
  const std::size_t size = message.initial_response->size();
  exchange.start(message);
  CHECK(message.initial_response->empty());
  CHECK(std::string_view(where, size).find("secret") == std::string_view::npos);
}
