#include "libcommon/policy/certificate_rule.h"

#include <algorithm>

#include "libcommon/policy/login_name.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/hex.h"

namespace mailroom::policy {
namespace {

constexpr std::string_view kWords[] = {"email", "dns", "fingerprint"};
constexpr std::size_t kFingerprintDigits = 64;
constexpr std::string_view kAny = "*";

// What "*" may stand for, and the rest, which is compared as it is.
struct Split {
  std::string_view first, rest;
};

// mailbox: at the only "@"; host name: at the first dot.
std::optional<Split> split(CertificateField field, std::string_view name) {
  const char border = field == CertificateField::email ? '@' : '.';
  const std::size_t at = name.find(border);
  if (at == name.npos || at == 0 || at + 1 == name.size()) return std::nullopt;
  const std::string_view rest = name.substr(at + 1);
  if (rest.find('@') != rest.npos) return std::nullopt;
  return Split{name.substr(0, at), rest};
}

bool is_plain(std::string_view text) {
  return text.size() <= kMaxLoginName &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_canonical(std::string_view text) { return canonical_login_name(text) == text; }

std::string with_star(std::string_view account, std::string_view captured) {
  std::string name{account};
  if (const std::size_t star = name.find(kAny); star != name.npos) name.replace(star, kAny.size(), captured);
  return name;
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

std::optional<std::string> wrong_with_name_pattern(CertificateField field, std::string_view pattern,
                                                   std::string_view account) {
  const auto parts = split(field, pattern);
  if (!parts || !is_plain(pattern))
    return field == CertificateField::email ? "a pattern is LOCAL-PART@DOMAIN" : "a pattern is a host name";
  const bool has_star = parts->first == kAny;
  if ((!has_star && parts->first.find('*') != parts->first.npos) || parts->rest.find('*') != parts->rest.npos)
    return "* is a whole local part, or the whole leftmost label";
  const auto in_account = std::ranges::count(account, '*');
  if (in_account > 1 || (in_account == 1 && !has_star)) return "* in the account is that of the pattern";
  if (in_account == 0 && has_star) return "every certificate that fits would be the same account";
  return std::nullopt;
}

std::optional<std::string> account_of_name(const CertificateRule& rule, const std::string& name) {
  if (!is_plain(name)) return std::nullopt;
  const std::string canonical = canonical_name(rule.field, name);
  const auto wanted = split(rule.field, rule.pattern), given = split(rule.field, canonical);
  if (!wanted || !given || wanted->rest != given->rest) return std::nullopt;
  if (wanted->first != kAny)
    return wanted->first == given->first ? std::optional{rule.account} : std::nullopt;
  const bool is_word = given->first.find('/') == given->first.npos && is_canonical(given->first);
  return is_word ? std::optional{with_star(rule.account, given->first)} : std::nullopt;
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
  CertificateRule rule{field, {}, std::string{account}};
  if (field == CertificateField::fingerprint) {
    const auto fingerprint = canonical_fingerprint(pattern);
    if (!fingerprint) problem = "a fingerprint is SHA-256, 64 hexadecimal digits";
    rule.pattern = fingerprint.value_or("");
  } else {
    problem = wrong_with_name_pattern(field, pattern, account).value_or("");
    rule.pattern = canonical_name(field, pattern);
  }
  const bool has_star = field != CertificateField::fingerprint;
  if (problem.empty() && !is_canonical(has_star ? with_star(account, "x") : std::string{account}))
    problem = "that is no account's name";
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
