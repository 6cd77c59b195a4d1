#include "daemons/queued/route_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/queued/clock.h"
#include "libcommon/sys/random.h"

namespace mailroom::queued {
namespace {

// Plans kept; beyond it those that are over are dropped, and then all.
constexpr std::size_t kMaxPlans = 100'000;
constexpr std::uint64_t kSecond = 1'000'000;
constexpr const char* kRequiretls = "+requiretls";

std::uint64_t random_number() {
  std::uint64_t out = 0;
  fill_random(&out, sizeof out);
  return out;
}

routing::Planned not_now(std::string text) {
  return std::unexpected(routing::NoWay{false, "4.4.3", std::move(text)});
}

routing::SenderTls sender_of(const Wanted& wanted) {
  return wanted.requiretls ? routing::SenderTls::required : routing::SenderTls::unspecified;
}

}  // namespace

RouteDesk::RouteDesk(event::Loop& loop, DnsQuestions& dns, PolicyQuestions& policy)
    : dns_{dns}, policy_{policy}, patience_{loop, [this] { give_up(); }} {}

void RouteDesk::set_site(routing::Site site, OutboundTlsConfig tls) {
  site_ = std::move(site);
  tls_ = std::move(tls);
  kept_.clear();
}

Wanted RouteDesk::wanted(const std::string& domain, bool requiretls) const {
  return {routing::route_for(domain, site_), requiretls};
}

std::string RouteDesk::key_of(const Wanted& wanted) const {
  return routing::destination_key(wanted.route, site_) + (wanted.requiretls ? kRequiretls : "");
}

void RouteDesk::plan(const Wanted& wanted, Then then) {
  const std::string key = key_of(wanted);
  const auto kept = kept_.find(key);
  if (kept != kept_.end() && kept->second.until > microseconds_now()) return then(kept->second.plan);
  const auto [asking, is_new] = asking_.try_emplace(key);
  asking->second.waiting.push_back(std::move(then));
  if (!is_new) return;
  asking->second.number = ++last_;
  asking->second.since = microseconds_now();
  asking->second.wanted = wanted;
  if (asking_.size() == 1) patience_.start(kPatience);
  ask(key, Asking{asking->second.number, asking->second.since, wanted, {}});
}

void RouteDesk::ask(const std::string& key, const Asking& asking) {
  const routing::Route& route = asking.wanted.route;
  const std::uint64_t number = asking.number;
  const routing::SenderTls sender = sender_of(asking.wanted);
  constexpr auto kForNow = static_cast<std::uint32_t>(kMinKept.count());
  switch (route.way) {
  case routing::Way::local:
    return planned(key, number, not_now("the domain " + route.domain + " has become a local one"), kForNow);
  case routing::Way::literal:
    return planned(key, number, routing::plan_for_literal(route.domain, site_, sender), kForNow);
  case routing::Way::fixed: {
    const routing::FixedRoute fixed = site_.routes.at(route.number - 1);
    if (!routing::needs_lookup(fixed))
      return planned(key, number, routing::plan_for_fixed(fixed, {}, sender), kForNow);
    return dns_.find_mail_hosts(fixed.host, true, fixed.port, [=, this](const dns::MailHosts& found) {
      planned(key, number, routing::plan_for_fixed(fixed, found, sender), found.ttl);
    });
  }
  case routing::Way::mx:
    return dns_.find_mail_hosts(route.domain, false, site_.mx_port,
                                [=, this](const dns::MailHosts& found) { ask_sts(key, number, found); });
  }
}

// The policy is asked for even without a record: one that is cached holds on (RFC 8461 3.1).
void RouteDesk::ask_sts(const std::string& key, std::uint64_t number, const dns::MailHosts& found) {
  const Asking* asking = find(key, number);
  if (asking == nullptr) return;
  if (found.outcome != dns::Outcome::answer || found.hosts.empty())
    return plan_mx(key, number, found, nullptr);
  const std::string label = routing::sts_label(found.sts_texts).value_or("");
  policy_.find_sts_policy(asking->wanted.route.domain, label, [=, this](const StsPolicyFound* sts) {
    if (sts != nullptr) return plan_mx(key, number, found, sts);
    constexpr auto kForNow = static_cast<std::uint32_t>(kMinKept.count());
    planned(key, number, not_now("policyd cannot be asked for the MTA-STS policy"), kForNow);
  });
}

void RouteDesk::plan_mx(const std::string& key, std::uint64_t number, const dns::MailHosts& found,
                        const StsPolicyFound* sts) {
  const Asking* asking = find(key, number);
  if (asking == nullptr) return;
  const std::string& domain = asking->wanted.route.domain;
  routing::StsPolicy policy;
  if (sts != nullptr) policy = {.mode = sts->mode, .mx = sts->mx, .max_age = 0};
  const routing::TlsPolicy own = routing::tls_policy_for(domain, tls_.policies, tls_.others);
  const auto transport = [&](const dns::MailHost& host) {
    return routing::decide_transport(domain, own, found, host, policy, sender_of(asking->wanted));
  };
  std::uint32_t ttl = found.ttl;
  if (sts != nullptr && sts->ttl != 0) ttl = std::min(ttl, sts->ttl);
  planned(key, number, routing::plan_for_domain(domain, found, site_, transport, random_number()), ttl);
}

RouteDesk::Asking* RouteDesk::find(const std::string& key, std::uint64_t number) {
  const auto found = asking_.find(key);
  return found == asking_.end() || found->second.number != number ? nullptr : &found->second;
}

// "Not now" is not kept: whoever asks again waits before.
void RouteDesk::planned(const std::string& key, std::uint64_t number, routing::Planned plan,
                        std::uint32_t ttl) {
  if (find(key, number) == nullptr) return;
  if (plan || plan.error().permanent) {
    drop_old();
    const auto seconds = std::clamp<std::uint64_t>(ttl, kMinKept.count(), kMaxKept.count());
    kept_[key] = {plan, microseconds_now() + seconds * kSecond};
  }
  const std::vector<Then> waiting = std::move(asking_.extract(key).mapped().waiting);
  for (const Then& then : waiting) then(plan);
}

void RouteDesk::drop_old() {
  if (kept_.size() < kMaxPlans) return;
  const std::uint64_t now = microseconds_now();
  std::erase_if(kept_, [&](const auto& entry) { return entry.second.until <= now; });
  if (kept_.size() >= kMaxPlans) kept_.clear();
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
