// What the route desk keeps of strangers' zones.
#include "daemons/queued/route_desk.h"

#include <catch2/catch.hpp>

#include "libcommon/ipc/channel.h"

using namespace mailroom;
using namespace mailroom::queued;

namespace {

// As large as dnsd says it (libcommon/dns/limits.h).
dns::MailHosts large() {
  using dns::Outcome, dns::Security;
  dns::MailHosts found{.outcome = Outcome::answer, .mx_security = Security::secure, .ttl = 3600};
  for (char host = 'a'; host <= 'f'; ++host)
    found.hosts.push_back({.preference = 10,
                           .name = std::string{host} + ".test",
                           .outcome = Outcome::answer,
                           .security = Security::secure,
                           .addresses = {*parse_ip_and_port("192.0.2.1:1")},
                           .tlsa_outcome = Outcome::answer,
                           .tlsa_security = Security::secure,
                           .tlsa = std::vector<dns::Tlsa>(100, {3, 1, 1, std::string(32, 'x')})});
  return found;
}

}  // namespace

TEST_CASE("plans take no more memory than they may, however many large zones there are") {
  mailroom::event::Loop loop;
  DnsClient dns{loop, std::chrono::seconds{60}};
  PolicyQuestions policy{loop};
  RouteDesk routes{loop, dns, policy};
  routing::Site site{
      .hostname = "mail.campus.example", .domains = {}, .routes = {}, .own = {}, .allowed = {}};
  site.allowed = {*parse_ip_network("192.0.2.0/24")};
  routes.set_site(site, {});
  auto [dns_ours, dns_theirs] = ipc::make_channel();
  auto [policy_ours, policy_theirs] = ipc::make_channel();
  dns.attach("queued-dnsd", "dnsd", std::move(dns_ours));
  policy.attach(std::move(policy_ours));
  ipc::MessageChannel<DnsdToAsker, AskerToDnsd> dnsd{std::move(dns_theirs)};
  ipc::MessageChannel<PolicydAnswersQueued, QueuedAsksPolicyd> policyd{std::move(policy_theirs)};
  const dns::MailHosts found = large();

  std::size_t most = 0, asked = 0;
  const auto plan = [&](const std::string& domain) {
    bool planned = false;
    routes.plan(routes.wanted(domain, {}), [&](const routing::Planned& made) {
      planned = true;
      REQUIRE(made);
      CHECK(made->hops.size() == 6);
      loop.stop();
    });
    if (planned) return;
    ++asked;
    dnsd.send(MailHostsFound{std::get<FindMailHosts>(dnsd.receive()->message).question, found});
    mailroom::event::Timer answer{
        loop, [&] {
          const auto question = policyd.receive(ipc::PacketSocket::Wait::no);
          if (!question) return answer.start(std::chrono::milliseconds{1});
          policyd.send(StsPolicyFound{.question = std::get<FindStsPolicy>(question->message).question,
                                      .mx = {},
                                      .problem = {},
                                      .ttl = 3600});
        }};
    answer.start(std::chrono::microseconds{0});
    loop.run();
    REQUIRE(planned);
    most = std::max(most, routes.kept_octets());
  };
  constexpr std::size_t kZones = 1'500;
  for (std::size_t i = 0; i < kZones; ++i) plan(std::to_string(i) + ".test");
  CHECK(asked == kZones);
  CHECK(most <= RouteDesk::kMaxKeptOctets);
  CHECK(most > RouteDesk::kMaxKeptOctets / 2);
  plan(std::to_string(kZones - 1) + ".test");
  CHECK(asked == kZones);  // it was kept
}
