// Logins by client certificate: who signs them, and whose certificate is whose account.
#include <fmt/format.h>

#include "daemons/config/names.h"
#include "daemons/config/tables.h"
#include "libcommon/policy/certificate_rule.h"

namespace mailroom::config {
namespace {

std::unexpected<std::string> wrong(std::string reason) { return std::unexpected(std::move(reason)); }

// ---- client-certificate.account FIELD PATTERN ACCOUNT ----

Result set_rule(ClientCertificateConfig& config, Values values) {
  if (values.size() != 3) return wrong("takes email, dns or fingerprint, PATTERN and ACCOUNT");
  const auto field = policy::parse_certificate_field(values[0]);
  if (!field) return wrong(fmt::format("\"{}\" is none of email, dns and fingerprint", values[0]));
  std::string problem;
  auto rule = policy::make_certificate_rule(*field, values[1], values[2], problem);
  if (!rule) return wrong(std::move(problem));
  config.rules.push_back(std::move(*rule));
  return {};
}

std::vector<std::string> show_rules(const ClientCertificateConfig& config) {
  std::vector<std::string> lines;
  for (const policy::CertificateRule& rule : config.rules)
    lines.push_back(fmt::format("{} {} {}", policy::certificate_field_word(rule.field), quote(rule.pattern),
                                quote(rule.account)));
  return lines;
}

using C = ClientCertificateConfig;
constexpr Key<C> kKeys[] = {
    {"authorities", Text<C>{&C::authorities_file, "FILE", parse_path}, Reload::at_once,
     "The authorities (PEM certificates) whose client certificates are believed. With it certd runs, and "
     "SASL EXTERNAL is offered on the ports that listen with client-certificate to clients that have shown "
     "one by TLS 1.3. Name an authority of your own here: every certificate for clients that one of these "
     "has signed is good; one that is signed by another vouches for its own alone. The file is read at start "
     "and at each reload; a start with one that is no good goes without such logins, and says so in the "
     "log."},
    {"revocations", Text<C>{&C::revocations_file, "FILE", parse_path}, Reload::at_once,
     "Certificate revocation lists (PEM). With it a client certificate is good only while a list of its "
     "issuer in this file is current, and does not name it; so the lists must be renewed, and read by a "
     "reload, before they expire. The same goes for a certificate between it and the authority, but for "
     "those of whose issuer no list is in the file."},
    {"account",
     Custom<C>{"(email | dns | fingerprint) PATTERN ACCOUNT", Occurs::repeatedly, set_rule, show_rules},
     Reload::at_once,
     "Whose certificate is whose account or device principal; the first rule that fits counts, and without "
     "one a certificate is nobody's. email and dns look at subjectAltName; PATTERN is a mail address or a "
     "host name, and may have * for the whole local part or leftmost label, which * in ACCOUNT then stands "
     "for: \"email *@example.edu *\" makes the certificate of alice@example.edu the account alice. A local "
     "part is compared as it stands, and accounts are in lower case: Alice@example.edu is nobody. "
     "fingerprint is SHA-256 of one certificate, as openssl x509 -fingerprint -sha256 shows it."},
};

}  // namespace

std::span<const Key<ClientCertificateConfig>> client_certificate_keys() { return kKeys; }

}  // namespace mailroom::config
