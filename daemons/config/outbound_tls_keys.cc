// TLS to other hosts: what it must prove, and whom it believes.
#include <fmt/format.h>

#include <algorithm>

#include "daemons/config/names.h"
#include "daemons/config/tables.h"
#include "libcommon/text/ascii.h"

namespace mailroom::config {

namespace {

using namespace std::chrono_literals;
using routing::TlsPolicy;
using routing::TlsWish;

constexpr std::string_view kWishes[] = {"published", "never", "may", "encrypt", "dane", "certificate"};
static_assert(std::size(kWishes) == static_cast<std::size_t>(TlsWish::kLast) + 1);

constexpr std::size_t kMaxNames = 20;  // of one row

std::unexpected<std::string> wrong(std::string reason) { return std::unexpected(std::move(reason)); }

Parsed<TlsWish> parse_wish(std::string_view text) {
  const auto* found = std::ranges::find(kWishes, text);
  if (found == std::end(kWishes))
    return wrong(fmt::format("\"{}\" is none of {}", text, fmt::join(kWishes, ", ")));
  return static_cast<TlsWish>(found - kWishes);
}

std::string_view wish_word(TlsWish wish) { return kWishes[static_cast<unsigned>(wish)]; }

Parsed<std::string> parse_policy_domain(std::string_view text) {
  const auto name = parse_host_name(text.starts_with('.') ? text.substr(1) : text);
  if (!name) return name;
  return (text.starts_with('.') ? "." : "") + *name;
}

// ---- tls-policy DOMAIN LEVEL [NAME ...]

Result set_policy(OutboundTlsConfig& config, Values values) {
  if (values.size() < 2) return wrong("takes DOMAIN LEVEL [NAME ...]");
  if (values.size() > 2 + kMaxNames) return wrong(fmt::format("more than {} names", kMaxNames));
  auto domain = parse_policy_domain(values[0]);
  if (!domain) return wrong(domain.error());
  const auto wish = parse_wish(values[1]);
  if (!wish) return wrong(wish.error());
  if (values.size() > 2 && *wish != TlsWish::certificate) return wrong("names go with certificate alone");
  TlsPolicy policy{std::move(*domain), *wish, {}};
  for (const std::string& value : values.subspan(2)) {
    auto name = parse_host_name(value);
    if (!name) return wrong(name.error());
    policy.names.push_back(std::move(*name));
  }
  if (std::ranges::count(config.policies, policy.domain, &TlsPolicy::domain) > 0)
    return wrong(fmt::format("{} has a tls-policy already", policy.domain));
  config.policies.push_back(std::move(policy));
  return {};
}

std::vector<std::string> show_policies(const OutboundTlsConfig& config) {
  std::vector<std::string> lines;
  for (const TlsPolicy& policy : config.policies)
    lines.push_back(fmt::format("{} {}{}{}", policy.domain, wish_word(policy.wish),
                                policy.names.empty() ? "" : " ", fmt::join(policy.names, " ")));
  return lines;
}

constexpr Key<OutboundTlsConfig> kPolicyKeys[] = {
    {"tls-policy",
     Custom<OutboundTlsConfig>{"DOMAIN (published | never | may | encrypt | dane | certificate) [NAME ...]",
                               Occurs::repeatedly, set_policy, show_policies},
     Reload::at_once,
     "What TLS must prove to the mail hosts of a domain that is not local; .DOMAIN is for all its "
     "subdomains, and "
     "the most exact one counts. published is what the domain itself publishes: DANE, else MTA-STS, else TLS "
     "if it is "
     "offered. never is plaintext; may takes TLS if it is offered, whatever is published; encrypt wants TLS "
     "with any "
     "certificate, and what is published; dane wants DANE; certificate wants a certificate of the "
     "authorities in "
     "relayd.ca-file for one of the NAMEs, or without them for the host. Where a host cannot prove what is "
     "wanted, mail "
     "waits. A route has its own level. See mailroom-tls(7)."},
};

// ---- relayd.

Result set_default(OutboundTlsConfig& config, Values values) {
  if (values.size() != 1) return wrong("takes one level");
  const auto wish = parse_wish(values[0]);
  if (!wish) return wrong(wish.error());
  config.others = *wish;
  return {};
}

std::vector<std::string> show_default(const OutboundTlsConfig& config) {
  return {std::string{wish_word(config.others)}};
}

constexpr Key<OutboundTlsConfig> kKeys[] = {
    {"tls-default",
     Custom<OutboundTlsConfig>{"published | never | may | encrypt | dane | certificate", Occurs::once,
                               set_default, show_default},
     Reload::at_once, "The level of all domains without a tls-policy."},
    {"ca-file", Text<OutboundTlsConfig>{&OutboundTlsConfig::ca_file, "FILE", parse_path}, Reload::restart,
     "Certificates (PEM) of the authorities that are believed where a certificate is wanted: by tls-policy, "
     "by "
     "MTA-STS, and of the web servers that MTA-STS policies are fetched from and reports on TLS posted to. "
     "The file must be readable by everybody."},
    {"old-tls", Flag<OutboundTlsConfig>{&OutboundTlsConfig::old_versions}, Reload::restart,
     "Also TLS 1.0 and 1.1 with the ciphers of their time, where TLS need prove nothing and plaintext would "
     "come "
     "instead."},
};

using S = StsdConfig;
constexpr Key<S> kStsdKeys[] = {
    {"port", Number<S>{&S::port, 1, 65'535}, Reload::restart,
     "The TCP port of the web servers that MTA-STS policies are fetched from and reports on TLS posted to; "
     "another one than 443 is for tests."},
    {"timeout", Time<S>{&S::timeout, 1s, 10min}, Reload::restart,
     "How long one policy may take to fetch, or one report to post."},
};

}  // namespace

std::span<const Key<StsdConfig>> stsd_keys() { return kStsdKeys; }
std::span<const Key<OutboundTlsConfig>> tls_policy_keys() { return kPolicyKeys; }
std::span<const Key<OutboundTlsConfig>> outbound_tls_keys() { return kKeys; }

}  // namespace mailroom::config
