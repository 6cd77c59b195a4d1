#include "daemons/queued/route_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/queued/clock.h"
#include "libcommon/sys/random.h"

namespace mailroom::queued {
namespace {

// A plan and what leads to it, beside its text.
constexpr std::size_t kPlanFields = 500, kHopFields = 200;
constexpr std::uint64_t kSecond = 1'000'000;

// What makes destinations of their own of messages with such a wish.
constexpr const char* kTlsSuffixes[] = {"", "+requiretls", "+tls-optional"};

std::uint64_t random_number() {
  std::uint64_t out = 0;
  fill_random(&out, sizeof out);
  return out;
}

std::size_t octets_of(const routing::TlsRequirement& tls) {
  std::size_t octets = 0;
  for (const std::string& name : tls.names) octets += name.size() + sizeof name;
  for (const dns::Tlsa& record : tls.tlsa) octets += record.data.size() + sizeof record;
  return octets;
}

// About so many.
std::size_t octets_of(const routing::Planned& plan) {
  std::size_t octets = kPlanFields;
  if (!plan) octets += plan.error().text.size();
  for (const routing::LeftOut& host : plan ? plan->left_out : plan.error().left_out)
    octets += kHopFields + host.host.size() + host.words.size();
  if (plan)
    for (const routing::NextHop& hop : plan->hops)
      octets += kHopFields + hop.name.size() + hop.addresses.size() * sizeof(IpAddress) + octets_of(hop.tls);
  return octets;
}

routing::Planned not_now(std::string text) {
  return std::unexpected(routing::NoWay{false, "4.4.3", std::move(text), {}});
}

}  // namespace

RouteDesk::RouteDesk(event::Loop& loop, DnsClient& dns, PolicyQuestions& policy)
    : dns_{dns}, policy_{policy}, patience_{loop, [this] { give_up(); }} {}

bool RouteDesk::set_site(routing::Site site, OutboundTlsConfig tls) {
  const bool leads_elsewhere = site.routes != site_.routes || site.domains != site_.domains;
  site_ = std::move(site);
  tls_ = std::move(tls);
  kept_.clear();
  kept_octets_ = 0;
  return leads_elsewhere;
}

Wanted RouteDesk::wanted(const std::string& domain, routing::SenderTls tls) const {
  return {routing::route_for(domain, site_), tls};
}

std::string RouteDesk::key_of(const Wanted& wanted) const {
  return routing::destination_key(wanted.route) + kTlsSuffixes[static_cast<std::size_t>(wanted.tls)];
}

void RouteDesk::plan(const Wanted& wanted, Then then) {
  const std::string key = key_of(wanted);
  const auto kept = kept_.find(key);
  if (kept != kept_.end() && kept->second.until > microseconds_now()) {
    const routing::Planned plan = kept->second.plan;  // whatever `then` makes of what is kept
    return then(plan);
  }
  const auto [asking, is_new] = asking_.try_emplace(key);
  asking->second.waiting.push_back(std::move(then));
  if (!is_new) return;
  asking->second.number = ++last_;
  asking->second.since = microseconds_now();
  if (asking_.size() == 1) patience_.start(kPatience);
  gather(wanted, [this, key, number = last_, wanted](const Facts& facts) {
    planned(key, number, plan_from(wanted, facts), facts.ttl);
  });
}

void RouteDesk::explain(const Wanted& wanted, const std::string& address, ThenExplained then) {
  if (wanted.route.way == routing::Way::local) return explain_local(wanted, address, then);
  gather(wanted, [this, wanted, then = std::move(then)](const Facts& facts) {
    Explained explained{plan_from(wanted, facts), 0, key_of(wanted), facts.found, facts.sts, {}, {}};
    if (explained.plan) {
      auto ordered = setbacks_.in_order(explained.plan->hops, {explained.key}, microseconds_now());
      explained.plan->hops = std::move(ordered.hops);
      explained.tried_first = ordered.first;
    }
    if (facts.found && wanted.route.way == routing::Way::mx)
      for (const dns::MailHost& host : facts.found->hosts)
        explained.transport.push_back(transport_to(wanted, facts, host));
    then(explained);
  });
}

void RouteDesk::explain_local(const Wanted& wanted, const std::string& address, const ThenExplained& then) {
  Explained explained{plan_from(wanted, {}), 0, key_of(wanted), {}, {}, {}, {}};
  if (address.empty()) return then(explained);
  policy_.resolve_address(address, [then, explained](const AddressResolved* found) mutable {
    if (found != nullptr && !found->unavailable) explained.local = found->recipient;
    then(explained);
  });
}

// ---- which of its hosts come first

std::vector<routing::NextHop> RouteDesk::in_order(const Wanted& wanted, QueueId message,
                                                  const routing::Plan& plan) const {
  return setbacks_.in_order(plan.hops, {key_of(wanted), message}, microseconds_now()).hops;
}

bool RouteDesk::is_tried_last(const Wanted& wanted, QueueId message, const IpAddress& address) const {
  return setbacks_.holds({key_of(wanted), message}, address, microseconds_now());
}

void RouteDesk::was_tried(const Wanted& wanted, QueueId message, const IpAddress& address, Setback setback) {
  setbacks_.note({key_of(wanted), message}, address, setback, microseconds_now());
}

void RouteDesk::has_taken(const Wanted& wanted, QueueId message, const IpAddress& address) {
  setbacks_.worked({key_of(wanted), message}, address);
}

// ---- what others say

void RouteDesk::gather(const Wanted& wanted, ThenFacts then) {
  const routing::Route& route = wanted.route;
  if (route.way == routing::Way::mx) return gather_mx(route.domain, std::move(then));
  if (route.way == routing::Way::fixed) {
    const routing::FixedRoute& fixed = route.fixed;
    if (routing::needs_lookup(fixed))
      return dns_.find_mail_hosts({.domain = fixed.host, .fixed = true, .port = fixed.port},
                                  [then = std::move(then)](const dns::MailHosts& found) {
                                    then({found, {}, found.ttl});
                                  });
  }
  then({});
}

// The policy is asked for even without a record: one that is cached holds on (RFC 8461 3.1).
void RouteDesk::gather_mx(const std::string& domain, ThenFacts then) {
  dns_.find_mail_hosts({.domain = domain, .port = site_.mx_port}, [=, this](const dns::MailHosts& found) {
    if (found.outcome != dns::Outcome::answer || found.hosts.empty()) return then({found, {}, found.ttl});
    const std::string label = routing::sts_label(found.sts_texts).value_or("");
    policy_.find_sts_policy(domain, label, [=](const StsPolicyFound* sts) {
      Facts facts{found, {}, found.ttl};
      if (sts != nullptr) facts.sts = *sts;
      if (sts != nullptr && sts->ttl != 0) facts.ttl = std::min(facts.ttl, sts->ttl);
      then(std::move(facts));
    });
  });
}

// ---- what follows from it

routing::Transport RouteDesk::transport_to(const Wanted& wanted, const Facts& facts,
                                           const dns::MailHost& host) const {
  const std::string& domain = wanted.route.domain;
  routing::StsPolicy policy;
  if (facts.sts) policy = {.mode = facts.sts->mode, .mx = facts.sts->mx, .max_age = 0};
  const routing::TlsPolicy own = routing::tls_policy_for(domain, tls_.policies, tls_.others);
  return routing::decide_transport(domain, own, *facts.found, host, policy, wanted.tls);
}

routing::Planned RouteDesk::plan_from(const Wanted& wanted, const Facts& facts) const {
  const routing::Route& route = wanted.route;
  switch (route.way) {
  case routing::Way::local:
    return not_now("the domain " + route.domain + " has become a local one");
  case routing::Way::literal:
    return routing::plan_for_literal(route.domain, site_, wanted.tls);
  case routing::Way::fixed:
    return routing::plan_for_fixed(route.fixed, facts.found.value_or(dns::MailHosts{}), wanted.tls);
  case routing::Way::mx:
    break;
  }
  if (facts.found->outcome == dns::Outcome::answer && !facts.found->hosts.empty() && !facts.sts)
    return not_now("policyd cannot be asked for the MTA-STS policy");
  const auto transport = [&](const dns::MailHost& host) { return transport_to(wanted, facts, host); };
  return routing::plan_for_domain(route.domain, *facts.found, site_, transport, random_number());
}

RouteDesk::Asking* RouteDesk::find(const std::string& key, std::uint64_t number) {
  const auto found = asking_.find(key);
  return found == asking_.end() || found->second.number != number ? nullptr : &found->second;
}

// "Not now" is not kept: whoever asks again waits before.
void RouteDesk::planned(const std::string& key, std::uint64_t number, routing::Planned plan,
                        std::uint32_t ttl) {
  if (find(key, number) == nullptr) return;
  if (plan || plan.error().permanent) keep(key, plan, ttl);
  const std::vector<Then> waiting = std::move(asking_.extract(key).mapped().waiting);
  for (const Then& then : waiting) then(plan);
}

void RouteDesk::keep(const std::string& key, const routing::Planned& plan, std::uint32_t ttl) {
  forget(key);
  const std::size_t octets = key.size() + octets_of(plan);
  if (kept_octets_ + octets > kMaxKeptOctets) drop_old(octets);
  const auto seconds = std::clamp<std::uint64_t>(ttl, kMinKept.count(), kMaxKept.count());
  kept_.emplace(key, Kept{plan, microseconds_now() + seconds * kSecond, octets});
  kept_octets_ += octets;
}

void RouteDesk::forget(const std::string& key) {
  const auto found = kept_.find(key);
  if (found == kept_.end()) return;
  kept_octets_ -= found->second.octets;
  kept_.erase(found);
}

// Those that are over, and when that is not half of it, all: what is needed is asked for again.
void RouteDesk::drop_old(std::size_t room) {
  const std::uint64_t now = microseconds_now();
  std::erase_if(kept_, [&](const auto& entry) {
    if (entry.second.until > now) return false;
    kept_octets_ -= entry.second.octets;
    return true;
  });
  if (kept_octets_ + room <= kMaxKeptOctets / 2) return;
  kept_.clear();
  kept_octets_ = 0;
}

void RouteDesk::give_up() {
  const std::uint64_t now = microseconds_now();
  const auto patience = static_cast<std::uint64_t>(std::chrono::microseconds{kPatience}.count());
  std::vector<std::pair<std::string, std::uint64_t>> late;
  for (const auto& [key, asking] : asking_)
    if (asking.since + patience <= now + kSecond) late.emplace_back(key, asking.number);
  for (const auto& [key, number] : late) planned(key, number, not_now("the resolver does not answer"), 0);
  if (!asking_.empty()) patience_.start(kPatience / 4);
}

}  // namespace mailroom::queued
