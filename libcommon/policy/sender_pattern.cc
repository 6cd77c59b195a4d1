#include "libcommon/policy/sender_pattern.h"

namespace mailroom::policy {
namespace {

// The domain of "@domain"; nothing for another pattern.
std::optional<Address> parse_domain_pattern(std::string_view pattern) {
  if (!pattern.starts_with('@')) return std::nullopt;
  auto parsed = parse_address("any" + std::string{pattern});
  if (!parsed || !may_be_given(*parsed)) return std::nullopt;
  return parsed;
}

}  // namespace

std::optional<std::string> canonical_sender_pattern(std::string_view text) {
  if (text == kAnySender) return std::string{text};
  if (const auto domain = parse_domain_pattern(text)) return '@' + domain->domain;
  const auto address = parse_address(text);
  if (!address || !may_be_given(*address)) return std::nullopt;
  return address->key();
}

bool matches_sender_pattern(const Address& address, std::string_view pattern, std::string_view delimiters,
                            const DomainSet& local_domains) {
  if (pattern == kAnySender) return true;
  const std::size_t at = pattern.rfind('@');
  if (at == std::string_view::npos) return false;
  const std::string_view local = pattern.substr(0, at), domain = pattern.substr(at + 1);
  if (domain.empty() ? !local_domains.contains(address.domain) : address.domain != domain) return false;
  return local.empty() || is_own_or_detail_of(address, {std::string{local}, address.domain}, delimiters);
}

}  // namespace mailroom::policy
