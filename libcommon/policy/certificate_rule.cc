#include "libcommon/policy/certificate_rule.h"

#include <algorithm>

#include "libcommon/policy/account_pattern.h"
#include "libcommon/policy/login_name.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/hex.h"

namespace mailroom::policy {
namespace {

constexpr std::string_view kWords[] = {"email", "dns", "fingerprint"};
constexpr std::size_t kFingerprintDigits = 64;
// A mailbox at its "@", a host name at its first dot.
std::optional<SplitName> split(CertificateField field, std::string_view name) {
  return split_name(name, field == CertificateField::email ? '@' : '.');
}

std::optional<std::string> canonical_fingerprint(std::string_view text) {
  std::string digits = lower_case(text);
  std::erase(digits, ':');
  if (digits.size() != kFingerprintDigits || !decode_hex(digits)) return std::nullopt;
  return digits;
}

// The domain of a mailbox, all of a host name, in lower case.
std::string canonical_name(CertificateField field, std::string_view name) {
  const auto parts = split(field, name);
  if (field == CertificateField::email && parts)
    return std::string{parts->first} + "@" + lower_case(parts->rest);
  return lower_case(name);
}

std::optional<std::string> wrong_with_name_pattern(CertificateField field, std::string_view pattern) {
  const auto parts = split(field, pattern);
  if (!parts || !is_plain(pattern))
    return field == CertificateField::email ? "a pattern is LOCAL-PART@DOMAIN" : "a pattern is a host name";
  const bool has_star = parts->first == kAny;
  if ((!has_star && parts->first.find('*') != parts->first.npos) || parts->rest.find('*') != parts->rest.npos)
    return "* is a whole local part, or the whole leftmost label";
  return std::nullopt;
}

std::optional<std::string> wrong_with(const CertificateRule& rule) {
  constexpr std::string_view kWhat = "certificate";
  if (rule.field == CertificateField::fingerprint) {
    if (rule.pattern.empty()) return "a fingerprint is SHA-256, 64 hexadecimal digits";
    return wrong_with_account(rule.account, false, kWhat);
  }
  if (auto wrong = wrong_with_name_pattern(rule.field, rule.pattern)) return wrong;
  return wrong_with_account(rule.account, split(rule.field, rule.pattern)->first == kAny, kWhat);
}

std::optional<std::string> account_of_name(const CertificateRule& rule, const std::string& name) {
  if (name.size() > kMaxLoginName || !is_plain(name)) return std::nullopt;
  const std::string canonical = canonical_name(rule.field, name);
  const auto wanted = split(rule.field, rule.pattern), given = split(rule.field, canonical);
  if (!wanted || !given || wanted->rest != given->rest) return std::nullopt;
  if (wanted->first != kAny)
    return wanted->first == given->first ? std::optional{rule.account} : std::nullopt;
  if (!is_part_of_account(given->first)) return std::nullopt;
  return with_captured(rule.account, given->first);
}

}  // namespace

const char* certificate_field_word(CertificateField field) {
  return kWords[static_cast<std::size_t>(field)].data();
}

std::optional<CertificateField> parse_certificate_field(std::string_view word) {
  const auto* found = std::ranges::find(kWords, word);
  if (found == std::end(kWords)) return std::nullopt;
  return static_cast<CertificateField>(found - kWords);
}

std::optional<CertificateRule> make_certificate_rule(CertificateField field, std::string_view pattern,
                                                     std::string_view account, std::string& problem) {
  const bool is_name = field != CertificateField::fingerprint;
  CertificateRule rule{field,
                       is_name ? canonical_name(field, pattern) : canonical_fingerprint(pattern).value_or(""),
                       std::string{account}};
  problem = wrong_with(rule).value_or("");
  if (!problem.empty()) return std::nullopt;
  return rule;
}

std::vector<std::string> accounts_of_certificate(std::span<const CertificateRule> rules,
                                                 const CertificateNames& names) {
  std::vector<std::string> accounts;
  const auto add = [&](std::optional<std::string> account) {
    if (account && std::ranges::count(accounts, *account) == 0) accounts.push_back(std::move(*account));
  };
  for (const CertificateRule& rule : rules) {
    switch (rule.field) {
    case CertificateField::fingerprint:
      if (names.fingerprint == rule.pattern) add(rule.account);
      break;
    case CertificateField::email:
      for (const std::string& name : names.emails) add(account_of_name(rule, name));
      break;
    case CertificateField::dns:
      for (const std::string& name : names.hosts) add(account_of_name(rule, name));
      break;
    }
    if (!accounts.empty()) return accounts;
  }
  return accounts;
}

}  // namespace mailroom::policy
