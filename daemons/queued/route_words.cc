#include "daemons/queued/route_words.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mailroom::queued {
namespace {

constexpr const char* kLevels[] = {"plaintext", "TLS if it is offered", "TLS with any certificate",
                                   "TLS with a certificate by its TLSA records (DANE)",
                                   "TLS with a certificate of a known authority"};
constexpr const char* kReasons[] = {"by default", "by the operator's wish", "by DANE", "by MTA-STS",
                                    "by REQUIRETLS"};

constexpr const char* kTriedLast = "; tried last for now, since it took nothing a short time ago";

// Zones and policies of strangers are in them, and all must fit one packet.
constexpr std::size_t kMaxWords = 600;  // octets of what is said about one host
constexpr std::size_t kShownPatterns = 10;

std::string shortened(std::string words) {
  if (words.size() > kMaxWords) words.replace(kMaxWords, words.npos, "...");
  return words;
}

std::string way_words(const routing::Route& route) {
  switch (route.way) {
  case routing::Way::local:
    return "a local domain";
  case routing::Way::fixed:
    return "by the route of " + route.fixed.domain;
  case routing::Way::mx:
    return "by the DNS";
  case routing::Way::literal:
    return "to the address";
  }
  return "";
}

std::string local_words(const Recipient& recipient) {
  if (!recipient.domain.empty()) return "an address here that leads to " + recipient.domain;
  if (recipient.accounts.empty()) return "a local domain, where nobody has this address";
  const std::size_t count = recipient.accounts.size();
  return fmt::format("delivered here, into {} mailbox{}", count, count == 1 ? "" : "es");
}

std::string tls_words(const routing::TlsRequirement& tls) {
  std::string words = fmt::format("{} ({})", kLevels[static_cast<unsigned>(tls.level)],
                                  kReasons[static_cast<unsigned>(tls.reason)]);
  if (tls.level >= routing::TlsLevel::dane && !tls.names.empty())
    words += fmt::format(" for {}", fmt::join(tls.names, ", "));
  return shortened(std::move(words));
}

std::string transport_words(const routing::Transport& transport) {
  switch (transport.kind) {
  case routing::Transport::Kind::allowed:
    return tls_words(transport.tls);
  case routing::Transport::Kind::excluded:
  case routing::Transport::Kind::unfit:
    return shortened("not used: " + transport.words);
  case routing::Transport::Kind::deferred:
    return shortened("not used for now: " + transport.words);
  }
  return "";
}

ShownHost shown(const dns::MailHost& host, const routing::Transport* transport) {
  ShownHost out{.preference = host.preference,
                .name = host.name,
                .addresses = {},
                .secure = host.security == dns::Security::secure,
                .tlsa = static_cast<std::uint32_t>(host.tlsa.size()),
                .problem = host.outcome == dns::Outcome::failed ? shortened(host.problem) : "",
                .tls = transport == nullptr ? "" : transport_words(*transport)};
  for (const IpAddress& address : host.addresses)
    if (out.addresses.size() < kShownAddresses) out.addresses.push_back(address.text());
  return out;
}

std::string sts_words(const StsPolicyFound& sts) {
  static constexpr const char* kModes[] = {"none", "testing", "enforce"};
  if (sts.mode == routing::StsMode::none) return shortened(sts.problem);
  const auto shown = std::span{sts.mx}.first(std::min(sts.mx.size(), kShownPatterns));
  std::string words = fmt::format("{}: {}", kModes[static_cast<unsigned>(sts.mode)], fmt::join(shown, " "));
  if (shown.size() < sts.mx.size()) words += fmt::format(" and {} more", sts.mx.size() - shown.size());
  return words;
}

std::string hop_words(const routing::NextHop& hop) {
  std::vector<std::string> addresses;
  for (const IpAddress& address : hop.addresses)
    addresses.push_back(
        fmt::format(fmt::runtime(address.is_v4() ? "{}:{}" : "[{}]:{}"), address.text(), address.port));
  if (addresses.empty()) addresses.emplace_back("Unix socket");
  return fmt::format("{} at {}: {}", hop.name, fmt::join(addresses, ", "), tls_words(hop.tls));
}

}  // namespace

RouteExplained explained_in_words(const Wanted& wanted, const RouteDesk::Explained& explained) {
  RouteExplained out{.way = way_words(wanted.route), .key = explained.key, .hosts = {}, .hops = {}};
  if (explained.local) out.way = local_words(*explained.local);
  if (wanted.route.way == routing::Way::local) return out;
  if (explained.found) {
    out.secure = explained.found->mx_security == dns::Security::secure;
    const auto& hosts = explained.found->hosts;
    for (std::size_t i = 0; i < std::min(hosts.size(), kShownHosts); ++i)
      out.hosts.push_back(
          shown(hosts[i], i < explained.transport.size() ? &explained.transport[i] : nullptr));
  }
  if (explained.sts) out.sts = sts_words(*explained.sts);
  if (!explained.plan) {
    out.no_way = shortened(explained.plan.error().enhanced + " " + explained.plan.error().text);
    out.permanent = explained.plan.error().permanent;
    return out;
  }
  const auto& hops = explained.plan->hops;
  for (std::size_t i = 0; i < hops.size(); ++i)
    out.hops.push_back(hop_words(hops[i]) + (i < explained.tried_first ? "" : kTriedLast));
  return out;
}

}  // namespace mailroom::queued
