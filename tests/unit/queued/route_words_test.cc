// What mr-queue says of a route, whatever strangers have put into their zones.
#include "daemons/queued/route_words.h"

#include <catch2/catch.hpp>

#include "daemons/channels/tools_queued.h"
#include "libcommon/dns/limits.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/routing/sts_policy.h"

using namespace mailroom;
using namespace mailroom::queued;

namespace {

const Wanted kWanted{.route = {.way = routing::Way::mx, .domain = "far.test", .fixed = {}}};
const std::string kLongName(dns::kMaxName, 'n');

// A domain with as much of everything as there may be.
RouteDesk::Explained full() {
  routing::Transport transport;
  transport.tls = {.level = routing::TlsLevel::certificate, .reason = {}, .names = {}};
  transport.tls.names.assign(20, kLongName);
  RouteDesk::Explained out{routing::Plan{}, 0, kLongName, dns::MailHosts{}, StsPolicyFound{}, {}, {}};
  const IpAddress address = *parse_ip_and_port("[2001:db8:1111:2222:3333:4444:5555:6666]:25");
  for (std::size_t i = 0; i < dns::kMaxMailHosts; ++i) {
    dns::MailHost host{.name = kLongName, .outcome = dns::Outcome::failed};
    host.addresses.assign(2 * dns::kMaxHostAddresses, address);
    host.problem = std::string(10'000, 'p');
    out.found->hosts.push_back(std::move(host));
    out.transport.push_back(transport);
  }
  for (std::size_t i = 0; i < routing::kMaxHops; ++i)
    out.plan->hops.push_back(
        {kLongName, std::vector(routing::kMaxAddresses / routing::kMaxHops, address), transport.tls});
  out.sts->mode = routing::StsMode::enforce;
  out.sts->mx.assign(routing::kMaxStsMx, "mx.far.test");
  return out;
}

}  // namespace

TEST_CASE("what is said of a route fits a packet") {
  RouteDesk::Explained explained = full();
  SECTION("with hosts") {}
  SECTION("with none") {
    explained.plan = std::unexpected(routing::NoWay{true, "5.4.4", std::string(100'000, 'w'), {}});
  }
  const RouteExplained words = explained_in_words(kWanted, explained);
  CHECK(words.hosts.size() == dns::kMaxMailHosts);
  CHECK(words.sts.ends_with("mx.far.test and 90 more"));
  CHECK(ipc::encode(QueuedToTool{words}).size() <= ipc::kMaxPacket);
}
