#include "libcommon/routing/transport.h"

#include <algorithm>

#include "libcommon/routing/der_shape.h"
#include "libcommon/text/ascii.h"

namespace mailroom::routing {
namespace {

// RFC 6698 2.1
constexpr std::uint8_t kDaneTa = 2, kDaneEe = 3;
constexpr std::uint8_t kWholeCertificate = 0, kPublicKey = 1;
constexpr std::uint8_t kExact = 0, kSha256 = 1, kSha512 = 2;
constexpr std::size_t kSha256Octets = 32, kSha512Octets = 64;

// Everything that a decision is made from.
struct Case {
  const std::string& domain;
  const TlsPolicy& site;
  const dns::MailHosts& hosts;
  const dns::MailHost& host;
  const StsPolicy& sts;
};

Transport allowed(TlsLevel level, TlsReason reason, std::vector<std::string> names) {
  return {.tls = {.level = level, .reason = reason, .names = std::move(names)}};
}

// `reason`: by what, for the report that has the result.
Transport excluded(std::string words, std::string result = {}, TlsReason reason = TlsReason::default_policy) {
  return {.kind = Transport::Kind::excluded,
          .tls = {.reason = reason},
          .words = std::move(words),
          .result = std::move(result)};
}

// ---- DANE (RFC 7672)

enum class Dane : std::uint8_t {
  none,      // it is not for this host: something is insecure, or there are no records (2.2)
  unknown,   // the records could not be had (2.1.2)
  unusable,  // there are records, none of which can be used (2.2)
  usable,
};

// Of a host with insecure addresses TLSA records are looked up only at a secure alias
// (dns::MailHost::tlsa_outcome).
Dane dane_of(const Case& c) {
  using dns::Outcome, dns::Security;
  if (c.hosts.mx_security != Security::secure) return Dane::none;
  if (c.host.tlsa_outcome == Outcome::failed) return Dane::unknown;
  if (c.host.tlsa_outcome != Outcome::answer || c.host.tlsa_security != Security::secure) return Dane::none;
  return std::ranges::any_of(c.host.tlsa, is_usable) ? Dane::usable : Dane::unusable;
}

// RFC 7672 3.2.2, the TLSA base domain first: it is the SNI (8.1).
std::vector<std::string> dane_names(const Case& c) {
  std::vector<std::string> names{c.host.tlsa_base.empty() ? c.host.name : c.host.tlsa_base};
  for (const std::string& name : {c.host.name, c.domain})
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  return names;
}

Transport by_dane(const Case& c) {
  Transport transport = allowed(TlsLevel::dane, TlsReason::dane, dane_names(c));
  std::ranges::copy_if(c.host.tlsa, std::back_inserter(transport.tls.tlsa), is_usable);
  return transport;
}

Transport until_dane_is_known(const Case& c) {
  return {.kind = Transport::Kind::deferred,
          .tls = {.reason = TlsReason::dane},
          .words =
              "TLSA records could not be looked up" + (c.host.problem.empty() ? "" : ": " + c.host.problem),
          .result = "dnssec-invalid"};
}

// ---- MTA-STS (RFC 8461 5)

Transport not_in_policy() {
  return excluded("not among the hosts of the MTA-STS policy", "validation-failure", TlsReason::mta_sts);
}

Transport by_sts(const Case& c) {
  if (!sts_allows(c.sts, c.host.name)) return not_in_policy();
  return allowed(TlsLevel::certificate, TlsReason::mta_sts, {c.host.name});
}

Transport by_sts_in_testing(const Case& c, TlsLevel floor) {
  Transport transport = allowed(floor, TlsReason::mta_sts, {c.host.name});
  transport.tls.report_only = true;
  if (sts_allows(c.sts, c.host.name)) return transport;
  const Transport would_be = not_in_policy();
  transport.words = would_be.words;
  transport.result = would_be.result;
  return transport;
}

// ---- the operator's wish, and the sender's

Transport by_publication(const Case& c, TlsLevel floor) {
  const Dane dane = dane_of(c);
  if (dane == Dane::unknown) return until_dane_is_known(c);
  if (dane == Dane::usable) return by_dane(c);
  if (c.sts.mode == StsMode::enforce) return by_sts(c);
  if (dane == Dane::unusable) return allowed(TlsLevel::encrypt, TlsReason::dane, {c.host.name});
  if (c.sts.mode == StsMode::testing) return by_sts_in_testing(c, floor);
  const TlsReason reason = floor == TlsLevel::may ? TlsReason::default_policy : TlsReason::site_policy;
  return allowed(floor, reason, {c.host.name});
}

Transport by_dane_alone(const Case& c) {
  switch (dane_of(c)) {
  case Dane::unknown:
    return until_dane_is_known(c);
  case Dane::usable:
    return by_dane(c);
  case Dane::unusable:
    return excluded("none of its TLSA records can be used", "tlsa-invalid", TlsReason::dane);
  case Dane::none:
    break;
  }
  return excluded("no validated TLSA records, which the tls-policy asks for", "dane-required");
}

Transport by_certificate(const Case& c) {
  std::vector<std::string> names = c.site.names;
  if (names.empty()) names.push_back(c.host.name);
  return allowed(TlsLevel::certificate, TlsReason::site_policy, std::move(names));
}

Transport by_site(const Case& c, SenderTls sender) {
  switch (c.site.wish) {
  case TlsWish::never:
    return allowed(TlsLevel::never, TlsReason::site_policy, {});
  case TlsWish::may:
    return allowed(TlsLevel::may, TlsReason::site_policy, {c.host.name});
  case TlsWish::dane:
    return by_dane_alone(c);
  case TlsWish::certificate:
    return by_certificate(c);
  case TlsWish::encrypt:
  case TlsWish::published:
    break;
  }
  const TlsLevel floor = c.site.wish == TlsWish::encrypt ? TlsLevel::encrypt : TlsLevel::may;
  if (sender != SenderTls::optional) return by_publication(c, floor);
  return allowed(floor, floor == TlsLevel::may ? TlsReason::default_policy : TlsReason::site_policy,
                 {c.host.name});
}

Transport unfit(Transport transport) {
  if (transport.kind == Transport::Kind::excluded) transport.kind = Transport::Kind::unfit;
  return transport;
}

// RFC 8689 4.2.1: the name of the host is validated, and the host proves to have it.
Transport by_sender(const Case& c) {
  const bool by_rule = c.site.wish == TlsWish::dane || c.site.wish == TlsWish::certificate;
  Transport transport = by_rule ? by_site(c, SenderTls::required) : by_publication(c, TlsLevel::encrypt);
  if (transport.kind != Transport::Kind::allowed) return unfit(std::move(transport));
  const bool name_is_valid = c.hosts.implicit || c.hosts.mx_security == dns::Security::secure ||
                             (c.sts.mode != StsMode::none && sts_allows(c.sts, c.host.name));
  if (!name_is_valid)
    return unfit(excluded("REQUIRETLS: nothing proves that it is a mail host of the domain"));
  if (transport.tls.level < TlsLevel::dane)
    transport = allowed(TlsLevel::certificate, TlsReason::requiretls, {c.host.name});
  transport.tls.requiretls = true;
  return transport;
}

const TlsPolicy* row_of(std::string_view pattern, const std::vector<TlsPolicy>& rows) {
  const auto found = std::ranges::find(rows, pattern, &TlsPolicy::domain);
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

bool is_usable(const dns::Tlsa& record) {
  if (record.usage != kDaneTa && record.usage != kDaneEe) return false;
  if (record.selector != kWholeCertificate && record.selector != kPublicKey) return false;
  switch (record.matching) {
  case kExact:
    return record.selector == kPublicKey ? has_shape_of_key(record.data)
                                         : has_shape_of_certificate(record.data);
  case kSha256:
    return record.data.size() == kSha256Octets;
  case kSha512:
    return record.data.size() == kSha512Octets;
  default:
    return false;
  }
}

TlsPolicy tls_policy_for(std::string_view domain, const std::vector<TlsPolicy>& rows, TlsWish others) {
  const std::string name = lower_case(domain);
  if (const TlsPolicy* exact = row_of(name, rows); exact != nullptr) return *exact;
  for (auto dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1))
    if (const TlsPolicy* parent = row_of(std::string_view{name}.substr(dot), rows); parent != nullptr)
      return *parent;
  return {.domain = name, .wish = others, .names = {}};
}

Transport decide_transport(const std::string& domain, const TlsPolicy& site, const dns::MailHosts& hosts,
                           const dns::MailHost& host, const StsPolicy& sts, SenderTls sender) {
  const Case all{domain, site, hosts, host, sts};
  return sender == SenderTls::required ? by_sender(all) : by_site(all, sender);
}

TlsRequirement decide_fixed_transport(const std::string& host, TlsLevel level, SenderTls sender) {
  TlsRequirement required{.level = level, .reason = TlsReason::site_policy, .names = {host}};
  if (sender != SenderTls::required) return required;
  required.level = std::max(level, TlsLevel::certificate);
  required.reason = TlsReason::requiretls;
  required.requiretls = true;
  return required;
}

}  // namespace mailroom::routing
