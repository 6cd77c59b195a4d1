// Kerberos: the realm, our keys, the KDCs, and whose ticket is whose account.
#include <fmt/format.h>

#include <algorithm>

#include "daemons/config/names.h"
#include "daemons/config/tables.h"
#include "libcommon/policy/principal.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/host_name.h"

namespace mailroom::config {

namespace {

using namespace std::chrono_literals;

std::unexpected<std::string> wrong(std::string reason) { return std::unexpected(std::move(reason)); }

// Of the characters that a realm in domain style has (RFC 4120 6.1); case counts.
Parsed<std::string> parse_realm(std::string_view text) {
  const bool good = !text.empty() && text.size() <= kMaxHostName && std::ranges::all_of(text, [](char c) {
    return is_alnum(c) || c == '.' || c == '-' || c == '_';
  });
  if (!good) return wrong(fmt::format("\"{}\" is not a realm", text));
  return std::string{text};
}

Parsed<std::string> parse_service_principal(std::string_view text) {
  const std::size_t slash = text.find('/'), at = text.find('@');
  if (slash == text.npos || at == text.npos || at < slash || slash == 0 || at + 1 == text.size())
    return wrong(fmt::format("\"{}\" is not SERVICE/HOST@REALM", text));
  return std::string{text};
}

// ---- kerberos.kdc ADDRESS:PORT ----

Result set_kdcs(KerberosConfig& config, Values values) {
  for (const auto& value : values) {
    const auto address = parse_ip_and_port(value);
    if (!address || address->port == 0) return wrong(fmt::format("\"{}\" is not ADDRESS:PORT", value));
    config.kdcs.push_back(*address);
  }
  return {};
}

std::vector<std::string> show_kdcs(const KerberosConfig& config) {
  std::vector<std::string> lines;
  for (const IpAddress& kdc : config.kdcs)
    lines.push_back(fmt::format(fmt::runtime(kdc.is_v4() ? "{}:{}" : "[{}]:{}"), kdc.text(), kdc.port));
  return lines;
}

// ---- kerberos.principal PATTERN ACCOUNT ----

Result set_principal(KerberosConfig& config, Values values) {
  if (values.size() != 2) return wrong("takes PATTERN ACCOUNT");
  if (auto problem = policy::wrong_with_principal_rule(values[0], values[1]))
    return wrong(std::move(*problem));
  config.principals.push_back({values[0], values[1]});
  return {};
}

std::vector<std::string> show_principals(const KerberosConfig& config) {
  std::vector<std::string> lines;
  for (const PrincipalRule& rule : config.principals)
    lines.push_back(fmt::format("{} {}", quote(rule.pattern), quote(rule.account)));
  return lines;
}

using K = KerberosConfig;
constexpr Key<K> kKeys[] = {
    {"realm", Text<K>{&K::realm, "REALM", parse_realm}, Reload::restart,
     "The realm of our own service principals. With it and kerberos.keytab, krbd runs and logins by ticket "
     "are offered."},
    {"keytab", Text<K>{&K::keytab_file, "FILE", parse_path}, Reload::restart,
     "The keys of our services (pop/HOST, imap/HOST, smtp/HOST), readable by root only. It is read at start "
     "and at each "
     "reload; every key that fits the service is taken, so keep the old key of a service until its tickets "
     "have expired."},
    {"kdc", Custom<K>{"ADDRESS:PORT ...", Occurs::repeatedly, set_kdcs, show_kdcs}, Reload::restart,
     "The KDCs that check the passwords of accounts marked kerberos, tried in this order. Numeric, an IPv6 "
     "address in "
     "square brackets. Without one, kdcd does not run."},
    {"login-service", Text<K>{&K::login_service, "SERVICE/HOST@REALM", parse_service_principal},
     Reload::restart,
     "The principal of the keytab for which a password's ticket is asked, so that krbd can verify it. If not "
     "given: imap/, "
     "hostname and kerberos.realm."},
    {"principal", Custom<K>{"PATTERN ACCOUNT", Occurs::repeatedly, set_principal, show_principals},
     Reload::at_once,
     "Whose ticket is whose account; the first rule that fits counts, and without one a ticket is nobody's. "
     "PATTERN is "
     "COMPONENT[/COMPONENT]@REALM; a component is a word or *, and * in ACCOUNT is what * in PATTERN stood "
     "for: "
     "\"*@EXAMPLE.EDU *\" makes alice@EXAMPLE.EDU the account alice."},
    {"logins", Number<K>{&K::logins, 1, 256}, Reload::restart,
     "Passwords that the KDCs are asked about at the same time."},
    {"timeout", Time<K>{&K::timeout, 1s, 1min}, Reload::restart,
     "How long a login may wait for the KDCs; then it is told to try again later."},
};

}  // namespace

std::span<const Key<KerberosConfig>> kerberos_keys() { return kKeys; }

}  // namespace mailroom::config
