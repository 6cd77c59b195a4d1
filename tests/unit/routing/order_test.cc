#include "libcommon/routing/order.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace mailroom;
using namespace mailroom::routing;

namespace {

IpAddress address(const std::string& text, std::uint16_t port = 0) {
  auto parsed = parse_ip_and_port(text.find(':') == text.npos ? text + ":1" : "[" + text + "]:1");
  REQUIRE(parsed);
  parsed->port = port;
  return *parsed;
}

dns::MailHost host(std::uint16_t preference, const std::string& name,
                   const std::vector<std::string>& addresses) {
  dns::MailHost out{.preference = preference, .name = name, .canonical_name = name};
  out.outcome = addresses.empty() ? dns::Outcome::no_data : dns::Outcome::answer;
  for (const auto& text : addresses) out.addresses.push_back(address(text));
  return out;
}

dns::MailHosts answer(std::vector<dns::MailHost> hosts) {
  return {.outcome = dns::Outcome::answer, .hosts = std::move(hosts)};
}

Site here() {
  return {.hostname = "mail.here.test",
          .domains = {"here.test"},
          .routes = {},
          .own = {address("198.51.100.1", 25)},
          .allowed = {}};
}

Transport named(const dns::MailHost& of) {
  Transport transport;
  transport.tls.names = {of.name};
  return transport;
}

Planned plan(const dns::MailHosts& found, std::uint64_t random = 1) {
  return plan_for_domain("far.test", found, here(), named, random);
}

std::vector<std::string> names(const Planned& planned) {
  REQUIRE(planned);
  std::vector<std::string> out;
  for (const NextHop& hop : planned->hops) out.push_back(hop.name);
  return out;
}

NoWay no_way(const Planned& planned) {
  REQUIRE_FALSE(planned);
  return planned.error();
}

}  // namespace

TEST_CASE("hosts are tried by preference, and within one in random order") {
  std::map<std::vector<std::string>, int> orders;
  const auto found =
      answer({host(20, "c", {"192.0.2.3"}), host(10, "a", {"192.0.2.1"}), host(10, "b", {"192.0.2.2"})});
  for (std::uint64_t random = 0; random < 1000; ++random) ++orders[names(plan(found, random))];
  REQUIRE(orders.size() == 2);
  for (const auto& [order, times] : orders) {
    CHECK(order.back() == "c");
    CHECK(times > 400);
  }
}

TEST_CASE("a hop has its addresses with the port, and what TLS must prove") {
  const auto planned = plan(answer({host(10, "a", {"2001:db8::1", "192.0.2.1"})}));
  REQUIRE(planned);
  CHECK(planned->hops.front().addresses ==
        std::vector<IpAddress>{address("2001:db8::1", 25), address("192.0.2.1", 25)});
  CHECK(planned->hops.front().tls.names == std::vector<std::string>{"a"});
  CHECK(planned->protocol == Protocol::smtp);
  CHECK_FALSE(planned->authenticate);
}

TEST_CASE("this system, and what is not better, is left out") {
  const auto by_address = host(20, "alias.test", {"198.51.100.1"});
  const auto by_name = host(20, "mail.here.test", {"192.0.2.9"});
  for (const auto& own : {by_address, by_name}) {
    CHECK(names(plan(answer({host(10, "a", {"192.0.2.1"}), own, host(20, "b", {"192.0.2.2"}),
                             host(30, "c", {"192.0.2.3"})}))) == std::vector<std::string>{"a"});
    const NoWay alone = no_way(plan(answer({own, host(30, "c", {"192.0.2.3"})})));
    CHECK(alone.permanent);
    CHECK(alone.enhanced == "5.4.6");
  }
}

TEST_CASE("why there is no way") {
  CHECK(no_way(plan({.outcome = dns::Outcome::no_domain})).enhanced == "5.1.2");
  CHECK(no_way(plan({.outcome = dns::Outcome::answer, .null_mx = true})).enhanced == "5.1.10");
  const NoWay failed = no_way(plan({.outcome = dns::Outcome::failed, .problem = "bogus"}));
  CHECK_FALSE(failed.permanent);
  CHECK(failed.enhanced == "4.4.3");
  CHECK(no_way(plan({.outcome = dns::Outcome::no_data})).enhanced == "5.1.2");
  CHECK(no_way(plan(answer({host(10, "a", {})}))).permanent);
  auto unknown = host(20, "b", {});
  unknown.outcome = dns::Outcome::failed;
  CHECK_FALSE(no_way(plan(answer({host(10, "a", {}), unknown}))).permanent);
  CHECK_FALSE(no_way(plan(answer({host(10, "a", {"127.0.0.1"}), unknown}))).permanent);
}

TEST_CASE("addresses that must never be connected to are left out") {
  CHECK(names(plan(answer({host(10, "a", {"10.0.0.1"}), host(20, "b", {"127.0.0.1", "192.0.2.1"})}))) ==
        std::vector<std::string>{"b"});
  const NoWay none = no_way(plan(answer({host(10, "a", {"10.0.0.1", "::1"})})));
  CHECK(none.permanent);
  CHECK(none.enhanced == "5.4.4");
  CHECK(none.text.find("loopback") != none.text.npos);
}

TEST_CASE("a domain with very many hosts is tried at some of them") {
  std::vector<dns::MailHost> hosts;
  for (int i = 0; i < 1000; ++i)
    hosts.push_back(host(10, "h" + std::to_string(i), {"192.0.2.1", "192.0.2.2", "192.0.2.3"}));
  const auto planned = plan(answer(hosts));
  REQUIRE(planned);
  CHECK(planned->hops.size() <= kMaxHops);
  std::size_t addresses = 0;
  for (const NextHop& hop : planned->hops) addresses += hop.addresses.size();
  CHECK(addresses <= kMaxAddresses);
  CHECK(addresses > 2);
}

TEST_CASE("a host that TLS policy leaves out takes no place of another's addresses") {
  const std::vector<std::string> many(kMaxAddresses, "192.0.2.1");
  const auto only_b = [](const dns::MailHost& of) {
    return Transport{.kind = of.name == "b" ? Transport::Kind::allowed : Transport::Kind::excluded};
  };
  const auto found = answer({host(10, "a", many), host(20, "b", {"192.0.2.2"})});
  CHECK(names(plan_for_domain("far.test", found, here(), only_b, 1)) == std::vector<std::string>{"b"});
}

TEST_CASE("address literals") {
  const auto literal = [](const char* text) {
    return plan_for_literal(text, here(), SenderTls::unspecified);
  };
  REQUIRE(literal("[192.0.2.1]"));
  CHECK(literal("[192.0.2.1]")->hops.front().addresses.front() == address("192.0.2.1", 25));
  CHECK(literal("[ipv6:2001:db8::1]")->hops.front().addresses.front() == address("2001:db8::1", 25));
  CHECK(no_way(literal("[127.0.0.1]")).enhanced == "5.4.4");
  CHECK(no_way(literal("[198.51.100.1]")).enhanced == "5.4.6");
  CHECK(no_way(literal("[x-tag:1]")).enhanced == "5.1.3");
}

TEST_CASE("a fixed route leads where the operator says, whatever the address") {
  const FixedRoute with_login{"x.test", Protocol::smtp, "127.0.0.1", 2525, TlsLevel::encrypt, true};
  const auto numeric = plan_for_fixed(with_login, {}, SenderTls::unspecified);
  REQUIRE(numeric);
  CHECK(numeric->hops.front().addresses == std::vector<IpAddress>{address("127.0.0.1", 2525)});
  CHECK(numeric->hops.front().tls.level == TlsLevel::encrypt);
  CHECK(numeric->route == route_ticket(with_login));
  const auto socket = plan_for_fixed({"x.test", Protocol::lmtp, "lists", 0, TlsLevel::never, false}, {},
                                     SenderTls::unspecified);
  REQUIRE(socket);
  CHECK(socket->hops.front().addresses.empty());
  CHECK(socket->hops.front().name == "lists");
  const FixedRoute by_name{"x.test", Protocol::smtp, "gate.test", 26, TlsLevel::may, false};
  CHECK(needs_lookup(by_name));
  CHECK(plan_for_fixed(by_name, answer({host(0, "gate.test", {"10.0.0.1"})}), SenderTls::unspecified)
            ->hops.front()
            .addresses.front() == address("10.0.0.1", 26));
  CHECK_FALSE(no_way(plan_for_fixed(by_name, {.outcome = dns::Outcome::no_domain}, SenderTls::unspecified))
                  .permanent);
}

TEST_CASE("where an operator allows this system's own network, the port tells who is who") {
  Site site = here();
  site.own = {address("127.0.0.1", 2500)};
  site.allowed = {*parse_ip_network("127.0.0.0/8")};
  site.mx_port = 2501;
  CHECK(plan_for_domain("far.test", answer({host(10, "a", {"127.0.0.1"})}), site, named, 1));
  site.mx_port = 2500;
  CHECK(
      no_way(plan_for_domain("far.test", answer({host(10, "a", {"127.0.0.1"})}), site, named, 1)).enhanced ==
      "5.4.6");
}

TEST_CASE("hosts that TLS policy excludes are left out, and without another the mail waits") {
  const auto only_b = [](const dns::MailHost& of) {
    Transport transport;
    if (of.name != "b") {
      transport = {.kind = Transport::Kind::excluded, .words = "not in the policy"};
      transport.result = "validation-failure";
      transport.tls.reason = TlsReason::mta_sts;
    }
    return transport;
  };
  const auto found = answer({host(10, "a", {"192.0.2.1"}), host(20, "b", {"192.0.2.2"})});
  CHECK(names(plan_for_domain("far.test", found, here(), only_b, 1)) == std::vector<std::string>{"b"});
  const NoWay none =
      no_way(plan_for_domain("far.test", answer({host(10, "a", {"192.0.2.1"})}), here(), only_b, 1));
  CHECK_FALSE(none.permanent);
  CHECK(none.text.find("not in the policy") != none.text.npos);
  const LeftOut left{"a", 0, TlsReason::mta_sts, "validation-failure", "not in the policy"};
  CHECK(none.left_out == std::vector{left});
  CHECK(plan_for_domain("far.test", found, here(), only_b, 1)->left_out == std::vector{left});
  const auto more = answer({host(10, "b", {"192.0.2.1"}), host(20, "c", {"192.0.2.2"})});
  CHECK(plan_for_domain("far.test", more, here(), only_b, 1)->left_out.at(0).before == 1);
}

TEST_CASE(
    "hosts that are not fit for what the sender asks are a reason to report, unless another may be fit") {
  Transport::Kind of_b = Transport::Kind::unfit;
  const auto transport = [&](const dns::MailHost& of) {
    return Transport{.kind = of.name == "a" ? Transport::Kind::unfit : of_b, .words = "REQUIRETLS"};
  };
  const auto found = answer({host(10, "a", {"192.0.2.1"}), host(20, "b", {"192.0.2.2"})});
  const NoWay none = no_way(plan_for_domain("far.test", found, here(), transport, 1));
  CHECK(none.permanent);
  CHECK(none.enhanced == "5.7.10");
  of_b = Transport::Kind::deferred;
  CHECK_FALSE(no_way(plan_for_domain("far.test", found, here(), transport, 1)).permanent);
}
