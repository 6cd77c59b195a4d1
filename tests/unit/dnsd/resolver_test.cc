// What waits for libunbound, with a name server that never answers.
#include "daemons/dnsd/resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "libcommon/sys/fd.h"
#include "tests/unit/daemon_host.h"

namespace mailroom::dnsd {
namespace {

struct SilentServer {
  SilentServer() : socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), size) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    address = *parse_ip_and_port("127.0.0.1:" + std::to_string(ntohs(at.sin_port)));
  }
  Fd socket;
  IpAddress address;
};

dns::Question question(std::size_t n) { return {dns::Type::a, "h" + std::to_string(n) + ".dead.example"}; }

TEST_CASE("what nobody waits for takes no place of what somebody asks") {
  test::DaemonHost host;
  const SilentServer server;
  DnsdConfig config;
  config.forward = {server.address};
  Resolver resolver{host.loop, config};
  bool is_waited_for = true;
  std::size_t answers = 0;
  const auto ask = [&](const dns::Question& asked) {
    resolver.look_up(1, asked, {[&] { return is_waited_for; }, [&](const dns::Answer&) { ++answers; }});
  };
  for (std::size_t n = 0; n < Resolver::kMaxAsked; ++n) ask(question(n));
  host.pump();
  REQUIRE(answers == 0);
  ask({dns::Type::a, "mx.good.example"});
  host.pump();
  REQUIRE(answers == 1);  // there is no room

  is_waited_for = false;
  for (std::size_t n = 0; n < Resolver::kMaxAsked; ++n) resolver.abandoned(1, question(n));
  is_waited_for = true;
  for (std::size_t n = 0; n < Resolver::kMaxAsked - Turns::kMaxOfSite; ++n) ask(question(20'000 + n));
  host.pump();
  CHECK(answers == 1);
  ask({dns::Type::a, "mx.good.example"});  // what was under way is so still
  host.pump();
  CHECK(answers == 2);
}

TEST_CASE("a question that somebody else waits for stays") {
  test::DaemonHost host;
  const SilentServer server;
  DnsdConfig config;
  config.forward = {server.address};
  Resolver resolver{host.loop, config};
  bool first = true;
  std::size_t asked = 0;
  for (std::size_t n = 0; n <= Turns::kMaxOfSite; ++n) {
    resolver.look_up(1, question(n), {[&] { return first; }, [](const dns::Answer&) {}});
    resolver.look_up(1, question(n), {[&] { return ++asked != 0; }, [](const dns::Answer&) {}});
  }
  first = false;
  asked = 0;
  resolver.abandoned(1, question(Turns::kMaxOfSite));
  CHECK(asked == 1);  // the other one was looked at
  resolver.abandoned(1, question(Turns::kMaxOfSite));
  CHECK(asked == 2);  // and is there
}

}  // namespace
}  // namespace mailroom::dnsd
