#include <fmt/format.h>

#include <algorithm>

#include "daemons/channels/spawner.h"
#include "daemons/config/load.h"

namespace mailroom::config {

namespace {

constexpr std::uint32_t kDaemonUids = 64;

using Reasons = std::vector<std::string>;

void check_presence(const Config& config, Reasons& reasons) {
  if (config.hostname.empty()) reasons.push_back("hostname is missing");
  if (config.domains.empty()) reasons.push_back("no domain is given");
  if (config.listeners.empty()) reasons.push_back("no listen is given");
  const auto wants_tls = [](const ListenerConfig& listener) { return listener.tls != TlsMode::none; };
  if (config.certificates.empty() && std::ranges::any_of(config.listeners, wants_tls))
    reasons.push_back("a listener offers TLS, but no certificate is given");
  const auto is_kpop = [](const ListenerConfig& listener) { return listener.service == Service::kpop; };
  if (!config.kerberos.enabled() && std::ranges::any_of(config.listeners, is_kpop))
    reasons.push_back("a listener is for kpop, but kerberos.realm and kerberos.keytab are not given");
  if (!config.client_certificate.enabled() &&
      std::ranges::any_of(config.listeners, &ListenerConfig::client_certificate))
    reasons.push_back(
        "a listener asks for client certificates, but client-certificate.authorities is not given");
}

void check_routes(const Config& config, Reasons& reasons) {
  for (const auto& route : config.routes)
    if (std::ranges::find(config.domains, route.domain) != config.domains.end())
      reasons.push_back(fmt::format("{} is both a domain and a route", route.domain));
}

void check_relay_domains(const Config& config, Reasons& reasons) {
  for (const std::string& domain : config.relay_domains) {
    if (std::ranges::find(config.domains, domain) != config.domains.end())
      reasons.push_back(fmt::format("{} is both a domain and a relay-domain", domain));
    const auto leads_there = [&](const RouteConfig& route) {
      return route.domain == domain || (route.domain.starts_with('.') && domain.ends_with(route.domain));
    };
    if (std::ranges::none_of(config.routes, leads_there))
      reasons.push_back(fmt::format("{} is a relay-domain and has no route", domain));
  }
}

void check_uids(const UidConfig& uids, Reasons& reasons) {
  struct Range {
    std::string_view name;
    std::uint64_t begin, end;
  };
  const auto range = [](std::string_view name, std::uint64_t base, std::uint64_t count) {
    return Range{name, base, base + count};
  };
  const Range ranges[] = {range("daemons", uids.daemons, kDaemonUids),
                          range("login", uids.login, uids.login_count),
                          range("accounts", uids.accounts, std::uint64_t{uids.accounts_count} + 1)};
  for (std::size_t i = 0; i < std::size(ranges); ++i)
    for (std::size_t j = i + 1; j < std::size(ranges); ++j)
      if (ranges[i].begin < ranges[j].end && ranges[j].begin < ranges[i].end)
        reasons.push_back(fmt::format("the uids of {} and {} overlap", ranges[i].name, ranges[j].name));
  // deliverd's filter knows only where they begin (libcommon/sys/syscall_filter.cc).
  if (uids.accounts < uids.daemons || uids.accounts < uids.login)
    reasons.push_back("uid-base.accounts is not above uid-base.daemons and uid-base.login");
}

// A listener is started with every listening socket, keyd with every key.
void check_numbers(const Config& config, Reasons& reasons) {
  if (config.listeners.size() > kMostPassedOfAKind)
    reasons.push_back(fmt::format("there are more than {} listen lines", kMostPassedOfAKind));
  if (config.certificates.size() > kMostPassedOfAKind)
    reasons.push_back(fmt::format("there are more than {} certificate lines", kMostPassedOfAKind));
}

void check_limits(const Config& config, Reasons& reasons) {
  if (config.queued.memory_message_size > config.queued.memory_limit)
    reasons.push_back("queued.memory-message-size is larger than queued.memory-limit");
  if (config.queued.memory_message_size > config.queued.segment_size)
    reasons.push_back("queued.memory-message-size is larger than queued.segment-size");
  if (config.authd.account_failures >= config.authd.address_failures)
    reasons.push_back(
        "authd.account-failures is not below authd.address-failures: one name would shut out an address");
  if (config.authd.failure_delay > config.authd.max_failure_delay)
    reasons.push_back("authd.failure-delay is longer than authd.max-failure-delay");
}

}  // namespace

std::vector<std::string> contradictions(const Config& config) {
  Reasons reasons;
  check_presence(config, reasons);
  check_routes(config, reasons);
  check_relay_domains(config, reasons);
  check_uids(config.uids, reasons);
  check_numbers(config, reasons);
  check_limits(config, reasons);
  return reasons;
}

}  // namespace mailroom::config
