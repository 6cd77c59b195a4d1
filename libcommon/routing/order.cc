#include "libcommon/routing/order.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "libcommon/routing/forbidden.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/scatter.h"

namespace mailroom::routing {
namespace {

std::unexpected<NoWay> never(const char* enhanced, std::string text) {
  return std::unexpected(NoWay{true, enhanced, std::move(text), {}});
}
std::unexpected<NoWay> not_now(std::string text, const char* enhanced = "4.4.3") {
  return std::unexpected(NoWay{false, enhanced, std::move(text), {}});
}

// Numeric hosts only.
std::optional<IpAddress> numeric(std::string_view host, std::uint16_t port) {
  const bool is_v6 = host.find(':') != host.npos;
  return parse_ip_and_port((is_v6 ? "[" + std::string{host} + "]:" : std::string{host} + ":") +
                           std::to_string(port));
}

std::vector<IpAddress> with_port(std::vector<IpAddress> addresses, std::uint16_t port) {
  for (IpAddress& address : addresses) address.port = port;
  return addresses;
}

bool is_this_system(const dns::MailHost& host, const Site& site) {
  if (equals_ignoring_case(host.name, site.hostname) ||
      equals_ignoring_case(host.canonical_name, site.hostname))
    return true;
  return std::ranges::any_of(with_port(host.addresses, site.mx_port),
                             [&](const IpAddress& address) { return site.is_own(address); });
}

// Without this system and what is not better than it.
std::vector<dns::MailHost> before_this_system(const dns::MailHosts& found, const Site& site) {
  std::optional<std::uint16_t> own;
  for (const dns::MailHost& host : found.hosts)
    if (is_this_system(host, site)) own = std::min(own.value_or(UINT16_MAX), host.preference);
  std::vector<dns::MailHost> out;
  for (const dns::MailHost& host : found.hosts)
    if (!own || host.preference < *own) out.push_back(host);
  return out;
}

// Fisher and Yates, within each preference.
void shuffle(std::vector<dns::MailHost>& hosts, std::uint64_t random) {
  std::ranges::stable_sort(hosts, {}, &dns::MailHost::preference);
  for (std::size_t begin = 0; begin < hosts.size();) {
    std::size_t end = begin;
    while (end < hosts.size() && hosts[end].preference == hosts[begin].preference) ++end;
    for (std::size_t i = end - begin; i > 1; --i) {
      random = scatter(random + i);
      std::swap(hosts[begin + i - 1], hosts[begin + random % i]);
    }
    begin = end;
  }
}

struct Collected {
  std::vector<NextHop> hops;
  std::vector<LeftOut> left_out;
  std::size_t addresses = 0;
  std::string forbidden;  // an address that was left out, and why
  std::string failed;     // a lookup that came to nothing
  std::string excluded;   // a host that TLS policy does not allow, and why
  std::string unfit;      // one that has not the TLS that the sender asks for

  void take(const dns::MailHost& host, const Site& site, const TransportOf& transport) {
    if (host.outcome == dns::Outcome::failed) failed = host.name + ": " + host.problem;
    NextHop hop{host.name, {}, {}};
    for (const IpAddress& address : with_port(host.addresses, site.mx_port)) {
      if (const char* reason = why_forbidden(address, site.allowed))
        forbidden = host.name + " has " + address.text() + ", " + reason;
      else if (addresses + hop.addresses.size() < kMaxAddresses && !site.is_own(address))
        hop.addresses.push_back(address);
    }
    if (hop.addresses.empty() || hops.size() == kMaxHops) return;
    Transport over = transport(host);
    if (over.kind != Transport::Kind::allowed) {
      (over.kind == Transport::Kind::unfit ? unfit : excluded) = host.name + ": " + over.words;
      left_out.push_back(
          {host.name, hops.size(), over.tls.reason, std::move(over.result), std::move(over.words)});
      return;
    }
    hop.tls = std::move(over.tls);
    addresses += hop.addresses.size();
    hops.push_back(std::move(hop));
  }
};

// No hop is left.
Planned no_host(const std::string& domain, const Collected& collected) {
  if (!collected.failed.empty()) return not_now("the DNS gives no address of " + collected.failed);
  if (!collected.excluded.empty())
    return not_now("no host of " + domain + " may be used: " + collected.excluded, "4.7.5");
  if (!collected.unfit.empty())
    return never("5.7.10", "no host of " + domain + " is fit for the message: " + collected.unfit);
  if (!collected.forbidden.empty())
    return never("5.4.4",
                 "mail for " + domain + " must not go where its DNS entry leads: " + collected.forbidden);
  return never("5.4.4", "no host for mail of " + domain + " has an address");
}

}  // namespace

Planned plan_for_domain(const std::string& domain, const dns::MailHosts& found, const Site& site,
                        const TransportOf& transport, std::uint64_t random) {
  if (found.outcome == dns::Outcome::failed)
    return not_now("the DNS gives no answer for " + domain + ": " + found.problem);
  if (found.outcome == dns::Outcome::no_domain)
    return never("5.1.2", "the domain " + domain + " does not exist");
  if (found.null_mx) return never("5.1.10", "the domain " + domain + " takes no mail");
  if (found.hosts.empty()) return never("5.1.2", "the domain " + domain + " has no host that takes mail");
  std::vector<dns::MailHost> hosts = before_this_system(found, site);
  if (hosts.empty()) return never("5.4.6", "mail for " + domain + " loops back to this system");
  shuffle(hosts, random);
  Collected collected;
  for (const dns::MailHost& host : hosts) collected.take(host, site, transport);
  if (!collected.hops.empty())
    return Plan{.hops = std::move(collected.hops), .left_out = std::move(collected.left_out)};
  Planned none = no_host(domain, collected);
  none.error().left_out = std::move(collected.left_out);
  return none;
}

Planned plan_for_literal(const std::string& domain, const Site& site, SenderTls sender) {
  constexpr std::string_view kV6 = "ipv6:";
  std::string_view text = domain;
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (starts_with_ignoring_case(text, kV6)) text.remove_prefix(kV6.size());
  const auto address = numeric(text, site.mx_port);
  if (!address) return never("5.1.3", domain + " is no address of a host");
  if (const char* reason = why_forbidden(*address, site.allowed))
    return never("5.4.4", "mail must not go to " + domain + ", " + reason);
  if (site.is_own(*address)) return never("5.4.6", "mail for " + domain + " loops back to this system");
  return Plan{.hops = {NextHop{domain, {*address}, decide_fixed_transport(domain, TlsLevel::may, sender)}}};
}

bool needs_lookup(const FixedRoute& route) {
  return !route.is_unix_socket() && !numeric(route.host, route.port);
}

Planned plan_for_fixed(const FixedRoute& route, const dns::MailHosts& found, SenderTls sender) {
  Plan plan{route.protocol, {}, route.authenticate, route.authenticate ? route_ticket(route) : 0};
  NextHop hop{route.host, {}, decide_fixed_transport(route.host, route.tls, sender)};
  if (needs_lookup(route)) {
    if (found.outcome == dns::Outcome::failed)
      return not_now("the DNS gives no answer for " + route.host + ": " + found.problem);
    for (const dns::MailHost& host : found.hosts)
      for (const IpAddress& address : with_port(host.addresses, route.port))
        if (hop.addresses.size() < kMaxAddresses) hop.addresses.push_back(address);
    // A mistake of this system's operator is no reason to return mail.
    if (hop.addresses.empty()) return not_now("the host " + route.host + " of a fixed route has no address");
  } else if (!route.is_unix_socket()) {
    hop.addresses.push_back(*numeric(route.host, route.port));
  }
  plan.hops.push_back(std::move(hop));
  return plan;
}

}  // namespace mailroom::routing
