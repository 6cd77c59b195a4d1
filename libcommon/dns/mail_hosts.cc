#include "libcommon/dns/mail_hosts.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "libcommon/dns/limits.h"

namespace mailroom::dns {
namespace {

constexpr std::string_view kStsVersion = "v=STSv1";  // others are discarded (RFC 8461 3.1)

std::size_t octets_of(const std::vector<Tlsa>& records) {
  std::size_t octets = 0;
  for (const Tlsa& record : records) octets += record.data.size() + kTlsaFields;
  return octets;
}

bool has_records(const Answer& answer) { return answer.outcome == Outcome::answer; }

// The addresses of one family; those of IPv6 are asked for first and come first.
void append_addresses(MailHost& host, const Answer& answer) {
  const std::size_t taken = std::min(answer.addresses.size(), kMaxHostAddresses);
  host.addresses.insert(host.addresses.end(), answer.addresses.begin(),
                        answer.addresses.begin() + static_cast<std::ptrdiff_t>(taken));
}

// Of A and AAAA: records of one family are enough, and without any a failed lookup leaves it open.
Outcome together(const Answer& a, const Answer& b) {
  for (const Outcome outcome : {Outcome::answer, Outcome::failed, Outcome::no_data})
    if (a.outcome == outcome || b.outcome == outcome) return outcome;
  return Outcome::no_domain;
}

// Failed lookups say nothing about the zone; what was learned must all be secure.
Security least_secure(std::initializer_list<const Answer*> answers) {
  const auto spoils = [](const Answer* answer) {
    return answer->outcome != Outcome::failed && answer->security != Security::secure;
  };
  return std::ranges::any_of(answers, spoils) ? Security::insecure : Security::secure;
}

}  // namespace

MailHostSearch::MailHostSearch(MailDomain domain) : domain_{std::move(domain)} { evaluate(); }

std::vector<Question> MailHostSearch::take_questions() { return std::exchange(fresh_, {}); }

void MailHostSearch::answered(const Question& question, const Answer& answer) {
  const auto found = answers_.find(question);
  if (found == answers_.end() || found->second) return;
  found->second = answer;
  --open_;
  evaluate();
}

// Nothing while it is not known; then evaluate() runs again once it is.
const Answer* MailHostSearch::ask(Type type, const std::string& name) {
  const auto [found, is_new] = answers_.try_emplace(Question{type, name});
  if (is_new) {
    fresh_.push_back(found->first);
    ++open_;
  }
  if (!found->second) return nullptr;
  found_.ttl = std::min(found_.ttl, found->second->ttl);
  return &*found->second;
}

// Goes through all of the rules with what is known by now.
void MailHostSearch::evaluate() {
  found_ = {};
  found_.ttl = kMaxTtl;
  tlsa_room_ = kMaxDomainTlsa;
  if (!domain_.fixed) find_sts();
  find_hosts();
  for (MailHost& host : found_.hosts) look_at(host);
  if (found_.hosts.size() != 1 || (!found_.implicit && !domain_.fixed)) return;
  // The domain is its own host: what holds for one holds for the other.
  found_.outcome = found_.hosts.front().outcome;
  found_.problem = found_.hosts.front().problem;
}

void MailHostSearch::find_sts() {
  const Answer* const label = ask(Type::txt, "_mta-sts." + domain_.name);
  if (label == nullptr) return;
  found_.sts_outcome = label->outcome;
  for (const std::string& text : label->texts)
    if (text.starts_with(kStsVersion) && found_.sts_texts.size() < kMaxStsTexts)
      found_.sts_texts.push_back(text);
}

void MailHostSearch::find_hosts() {
  if (domain_.fixed) {
    found_.hosts.push_back({.name = domain_.name});
    return;
  }
  const Answer* const mx = ask(Type::mx, domain_.name);
  if (mx == nullptr) return;
  found_.outcome = mx->outcome;
  found_.mx_security = mx->security;
  found_.problem = mx->problem;
  if (mx->outcome == Outcome::answer) take_mx(*mx);
  if (mx->outcome == Outcome::no_data) {
    found_.implicit = true;
    found_.hosts.push_back({.name = domain_.name});
  }
}

void MailHostSearch::take_mx(const Answer& mx) {
  found_.null_mx = std::ranges::all_of(mx.mx, &std::string::empty, &Mx::exchange);
  for (const Mx& each : mx.mx) {
    // RFC 7505 3: "." beside other hosts says nothing.
    if (each.exchange.empty() || std::ranges::count(found_.hosts, each.exchange, &MailHost::name) > 0)
      continue;
    if (found_.hosts.size() == kMaxMailHosts) return;
    found_.hosts.push_back({.preference = each.preference, .name = each.exchange});
  }
}

void MailHostSearch::look_at(MailHost& host) {
  const Answer* const v6 = ask(Type::aaaa, host.name);
  const Answer* const v4 = ask(Type::a, host.name);
  if (v6 == nullptr || v4 == nullptr) return;
  host.outcome = together(*v6, *v4);
  host.security = least_secure({v6, v4});
  host.canonical_name = has_records(*v6) ? v6->canonical_name : v4->canonical_name;
  append_addresses(host, *v6);
  append_addresses(host, *v4);
  if (host.outcome == Outcome::failed) {
    host.security = Security::insecure;
    host.problem = v4->outcome == Outcome::failed ? v4->problem : v6->problem;
  }
  if (host.outcome == Outcome::answer) find_tlsa(host);
}

// The names under which TLSA records count, in order: after CNAMEs first, if all of them are secure, then as
// the MX names the host; an alias that is secure itself counts even when it leads out of the secure zone (RFC
// 7672 2.2.2).
std::vector<std::string> MailHostSearch::tlsa_bases(MailHost& host) {
  const bool is_alias = host.canonical_name != host.name;
  if (host.security == Security::secure)
    return is_alias ? std::vector{host.canonical_name, host.name} : std::vector{host.name};
  if (!is_alias) return {};
  const Answer* const alias = ask(Type::cname, host.name);
  if (alias == nullptr) return {};
  if (alias->outcome == Outcome::failed) fail_tlsa(host, alias->problem);
  if (!has_records(*alias) || alias->security != Security::secure) return {};
  return {host.name};
}

// The host must not be used: what is hidden may forbid plaintext (RFC 7672 2.1.2).
void MailHostSearch::fail_tlsa(MailHost& host, const std::string& problem) {
  host.tlsa_outcome = Outcome::failed;
  host.problem = problem;
}

void MailHostSearch::find_tlsa(MailHost& host) {
  for (const std::string& base : tlsa_bases(host)) {
    const Answer* const tlsa = ask(Type::tlsa, tlsa_name(domain_.port, base));
    if (tlsa == nullptr) return;
    if (tlsa->outcome == Outcome::failed) return fail_tlsa(host, tlsa->problem);
    if (!has_records(*tlsa) || tlsa->security != Security::secure) continue;
    const std::size_t octets = octets_of(tlsa->tlsa);
    if (octets > tlsa_room_) return fail_tlsa(host, "more TLSA records than are taken for one domain");
    tlsa_room_ -= octets;
    host.tlsa_outcome = Outcome::answer;
    host.tlsa_security = Security::secure;
    host.tlsa_base = base;
    host.tlsa = tlsa->tlsa;
    return;
  }
}

}  // namespace mailroom::dns
