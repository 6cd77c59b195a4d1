// Whose client certificate is whose account: a table of rules, tried from the top, and never a guess.
//
//   FIELD        PATTERN           ACCOUNT
//   email        *@example.edu     *             a mailbox of subjectAltName: alice@example.edu is alice
//   email        root@example.edu  postmaster    exactly this one
//   dns          *.example.edu     smtp-relay/*  a host name: printer.example.edu is smtp-relay/printer
//   fingerprint  SHA256            alice         exactly this certificate
//
// "*" is the whole local part, or the whole leftmost label; in ACCOUNT it stands for the same.  Domains are
// compared in lower case, local parts octet by octet, and "*" stands only for (part of) an account's name,
// which is in lower case: Alice@example.edu is nobody.  The common name of a subject says nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace mailroom::policy {

enum class CertificateField : std::uint8_t { email, dns, fingerprint, kLast = fingerprint };

const char* certificate_field_word(CertificateField field);
std::optional<CertificateField> parse_certificate_field(std::string_view word);

struct CertificateRule {
  CertificateField field = CertificateField::email;
  std::string pattern;  // of a fingerprint: 64 hexadecimal digits in lower case
  std::string account;

  bool operator==(const CertificateRule&) const = default;
  static auto fields(auto& m) { return std::tie(m.field, m.pattern, m.account); }
};

// What a certificate says of its holder.
struct CertificateNames {
  std::string fingerprint;          // SHA-256 of the certificate (DER), as in a rule
  std::vector<std::string> emails;  // rfc822Name (RFC 5280 4.2.1.6)
  std::vector<std::string> hosts;   // dNSName

  static auto fields(auto& m) { return std::tie(m.fingerprint, m.emails, m.hosts); }
};

// The rule in its canonical form (a fingerprint as `openssl x509 -fingerprint` writes it is one), or nothing,
// with the reason in `problem`.
std::optional<CertificateRule> make_certificate_rule(CertificateField field, std::string_view pattern,
                                                     std::string_view account, std::string& problem);

// The accounts that the first rule gives which fits any of the names, each once: mostly one, several where a
// certificate has several such names, none where no rule fits.
std::vector<std::string> accounts_of_certificate(std::span<const CertificateRule> rules,
                                                 const CertificateNames& names);

}  // namespace mailroom::policy
