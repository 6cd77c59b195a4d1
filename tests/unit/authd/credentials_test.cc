#include "libcommon/routing/fixed_route.h"
#include "tests/unit/authd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;

namespace {

using Relayd = FarEnd<RelaydToAuthd, std::variant<Done>>;
using Relay = FarEnd<RelayToAuthd, AuthdToRelay>;

RouteConfig route(const std::string& domain, const std::string& host = "smart.example") {
  RouteConfig config;
  config.domain = domain;
  config.host = host;
  config.port = 587;
  config.authenticate = true;
  return config;
}

class Relays : public Authd {
 public:
  Relays() {
    launch.config.routes = {route("*"), route("far.example", "far.example")};
    start();
    relayd = attach<Relayd>("relayd-authd", "relayd#1");
  }

  Relay open(RelayId id, std::uint32_t ticket) {
    auto [ours, theirs] = ipc::make_channel();
    relayd.send(OpenCredentials{id, ticket}, std::move(ours));
    return Relay{std::move(theirs)};
  }
  RelayCredentials credentials(std::uint32_t ticket) {
    static RelayId last = 0;
    Relay relay = open(++last, ticket);
    relay.send(WantCredentials{});
    const auto answer = wait_for([&] { return relay.next(); });
    REQUIRE(answer);
    return std::get<RelayCredentials>(*answer);
  }
  void keep(const RouteConfig& config, const std::string& user, const std::string& password) {
    ask(SetCredentials{config.domain, routing::fixed_target(config), user, password});
  }

  Relayd relayd;
};

}  // namespace

TEST_CASE("a relay process gets the credentials of its route, and of no other") {
  Relays a;
  a.keep(route("*"), "campus", "secret one");
  const auto mine = a.credentials(routing::route_ticket(route("*")));
  CHECK(mine.user == "campus");
  CHECK(mine.password == "secret one");
  CHECK(a.credentials(routing::route_ticket(route("far.example", "far.example"))).user == "");
  CHECK(a.credentials(0).user == "");
  CHECK(a.credentials(12345).user == "");
}

TEST_CASE("credentials are there after a restart, and gone when removed") {
  Relays a;
  a.keep(route("*"), "campus", "secret one");
  a.start();
  a.relayd = a.attach<Relayd>("relayd-authd", "relayd#2");
  CHECK(a.credentials(routing::route_ticket(route("*"))).password == "secret one");
  a.ask(RemoveCredentials{"*"});
  a.ask(RemoveCredentials{"*"});
  CHECK(a.credentials(routing::route_ticket(route("*"))).password == "");
}

TEST_CASE("a route that leads elsewhere does not take its credentials along") {
  Relays a;
  a.keep(route("*"), "campus", "secret one");
  a.launch.config.routes = {route("*", "elsewhere.example")};
  CHECK(a.credentials(routing::route_ticket(route("*", "elsewhere.example"))).user == "");
  // nor is the old route one any more
  CHECK(a.credentials(routing::route_ticket(route("*"))).user == "");
}

TEST_CASE("a route without login has no credentials") {
  Relays a;
  a.keep(route("*"), "campus", "secret one");
  a.launch.config.routes[0].authenticate = false;
  CHECK(a.credentials(routing::route_ticket(route("*"))).user == "");
}

TEST_CASE("the list has no passwords, and comes in pages") {
  Relays a;
  for (unsigned i = 0; i < kCredentialPageSize + 1; ++i)
    a.keep(route("d" + std::to_string(1000 + i) + ".example"), "user", "secret");
  const auto first = a.ask<CredentialPage>(ListCredentials{});
  CHECK(first.credentials.size() == kCredentialPageSize);
  CHECK_FALSE(first.last);
  CHECK(first.credentials[0].domain == "d1000.example");
  CHECK(first.credentials[0].target == "smtp:smart.example:587");
  CHECK(first.credentials[0].user == "user");
  const auto second = a.ask<CredentialPage>(ListCredentials{first.credentials.back().domain});
  CHECK(second.credentials.size() == 1);
  CHECK(second.last);
}

TEST_CASE("what cannot be sent is not kept") {
  Relays a;
  CHECK(a.ask<ToolRefused>(SetCredentials{"*", "smtp:x:25", "", "secret"}).reason == "not a user name");
  CHECK(a.ask<ToolRefused>(SetCredentials{"*", "smtp:x:25", "user", ""}).reason != "");
  CHECK(a.ask<ToolRefused>(SetCredentials{"*", "smtp:x:25", "user", std::string("a\0b", 3)}).reason != "");
  CHECK(a.ask<ToolRefused>(SetCredentials{"*", "smtp:x:25", "user", std::string(512, 'x')}).reason != "");
  CHECK(a.ask<ToolRefused>(SetCredentials{"", "smtp:x:25", "user", "secret"}).reason == "not a route");
  CHECK(a.ask<ToolRefused>(SetCredentials{"*", "smtp x", "user", "secret"}).reason == "not a route");
  CHECK(a.ask<CredentialPage>(ListCredentials{}).credentials.empty());
}

TEST_CASE("a listener that lies ends its channel; relay processes that talk nonsense end theirs") {
  Relays a;
  Relay relay = a.open(1, 0);
  a.pump();
  Relay again = a.open(1, 0);
  a.pump();
  CHECK(a.relayd.is_closed());
  CHECK_FALSE(relay.is_closed());
  relay.send_raw("nonsense");
  a.pump();
  CHECK(relay.is_closed());
}

TEST_CASE("a ticket names a route by its domain and target") {
  CHECK(routing::route_ticket(route("*")) == routing::route_ticket(route("*")));
  CHECK(routing::route_ticket(route("*")) != routing::route_ticket(route("far.example")));
  CHECK(routing::route_ticket(route("*")) != routing::route_ticket(route("*", "other.example")));
}
