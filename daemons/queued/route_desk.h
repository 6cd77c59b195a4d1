// Where destinations lead: plans of hosts to try, made by libcommon/routing from what dnsd and policyd say,
// and kept for as long as the DNS allows.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemons/base/dns_client.h"
#include "daemons/config.h"
#include "daemons/queued/policy_questions.h"
#include "daemons/queued/setbacks.h"
#include "libcommon/event/loop.h"
#include "libcommon/routing/order.h"
#include "libcommon/routing/route.h"

namespace mailroom::queued {

// Where mail for a domain is to go.
struct Wanted {
  routing::Route route;
  routing::SenderTls tls = routing::SenderTls::unspecified;  // for such messages only
  auto operator<=>(const Wanted&) const = default;
};

class RouteDesk {
 public:
  // A plan is kept for at least and at most so long, whatever the DNS says.
  static constexpr std::chrono::seconds kMinKept{10};
  static constexpr std::chrono::seconds kMaxKept{3600};
  // Octets that all plans together may take: strangers' zones say how large one is.
  static constexpr std::size_t kMaxKeptOctets = 32 * 1024 * 1024;
  // Without an answer for so long there is no plan for now.
  static constexpr std::chrono::seconds kPatience{120};

  RouteDesk(event::Loop& loop, DnsClient& dns, PolicyQuestions& policy);

  // Forgets all plans.  True when domains may lead elsewhere than before.
  bool set_site(routing::Site site, OutboundTlsConfig tls);
  const routing::Site& site() const { return site_; }

  Wanted wanted(const std::string& domain, routing::SenderTls tls) const;
  // The destination's key (libcommon/routing/route.h).
  std::string key_of(const Wanted& wanted) const;

  // Calls back once, at once or from the loop.  Questions for the same destination are asked once.
  using Then = std::function<void(const routing::Planned&)>;
  void plan(const Wanted& wanted, Then then);

  // The hosts of a plan as they are to be tried for this message: those that have lately taken nothing come
  // last.
  std::vector<routing::NextHop> in_order(const Wanted& wanted, QueueId message,
                                         const routing::Plan& plan) const;
  bool is_tried_last(const Wanted& wanted, QueueId message, const IpAddress& address) const;
  // What came of trying an address of the destination, for this message; `message` is 0 where it says nothing
  // about one.
  void was_tried(const Wanted& wanted, QueueId message, const IpAddress& address, Setback setback);
  void has_taken(const Wanted& wanted, QueueId message, const IpAddress& address);

  // A plan, asked for anew, with all that led to it.
  struct Explained {
    routing::Planned plan;        // the hosts in the order in which they would be tried
    std::size_t tried_first = 0;  // so many of them before those that have lately taken nothing
    std::string key;
    std::optional<dns::MailHosts> found;  // what the DNS says of the domain, or of the host of a fixed route
    std::optional<StsPolicyFound> sts;    // what policyd says of it
    std::vector<routing::Transport> transport;  // for each of found->hosts of an MX domain
    std::optional<Recipient> local;  // of a local domain: who has the address, where policyd says so
  };
  using ThenExplained = std::function<void(const Explained&)>;
  void explain(const Wanted& wanted, const std::string& address, ThenExplained then);

  // A plan that led nowhere: the next one is asked for anew.
  void forget(const Wanted& wanted) { forget(key_of(wanted)); }
  std::size_t kept_octets() const { return kept_octets_; }

 private:
  struct Kept {
    routing::Planned plan;
    std::uint64_t until = 0;  // microseconds since 1970
    std::size_t octets = 0;
  };
  struct Asking {
    std::uint64_t number = 0;  // answers to an earlier question of the same key are not taken
    std::uint64_t since = 0;
    std::vector<Then> waiting;
  };

  // What others say, for the plan of one destination.
  struct Facts {
    std::optional<dns::MailHosts> found;
    std::optional<StsPolicyFound> sts;
    std::uint32_t ttl = 0;
  };
  using ThenFacts = std::function<void(Facts)>;

  void gather(const Wanted& wanted, ThenFacts then);
  void explain_local(const Wanted& wanted, const std::string& address, const ThenExplained& then);
  void gather_mx(const std::string& domain, ThenFacts then);
  routing::Planned plan_from(const Wanted& wanted, const Facts& facts) const;
  routing::Transport transport_to(const Wanted& wanted, const Facts& facts, const dns::MailHost& host) const;
  void planned(const std::string& key, std::uint64_t number, routing::Planned plan, std::uint32_t ttl);
  Asking* find(const std::string& key, std::uint64_t number);
  void give_up();
  void keep(const std::string& key, const routing::Planned& plan, std::uint32_t ttl);
  void forget(const std::string& key);
  void drop_old(std::size_t room);

  DnsClient& dns_;
  PolicyQuestions& policy_;
  routing::Site site_;
  OutboundTlsConfig tls_;
  std::map<std::string, Kept> kept_;
  std::size_t kept_octets_ = 0;  // of them
  std::map<std::string, Asking> asking_;
  Setbacks setbacks_;
  std::uint64_t last_ = 0;
  event::Timer patience_;
};

}  // namespace mailroom::queued
