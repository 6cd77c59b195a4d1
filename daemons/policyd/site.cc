#include "daemons/policyd/site.h"

#include <algorithm>

namespace mailroom::policyd {
namespace {

constexpr std::string_view kPostmaster = "postmaster";

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Site::Site(const Config& config)
    : domains_{config.domains}, is_local_(config.domains.begin(), config.domains.end()),
      is_relayed_(config.relay_domains.begin(), config.relay_domains.end()),
      delimiters_{config.policyd.recipient_delimiter}, postmaster_{config.policyd.postmaster} {}

std::vector<AccountId> Site::accounts_at(const state::View& view, const policy::Address& address) const {
  for (const std::string& alias : {address.key(), address.local + '@'})
    if (auto accounts = view.alias(alias); !accounts.empty()) return accounts;
  for (const std::string& name : {address.key(), address.local})
    if (const auto account = view.account_named(name);
        account && account->own == state::OwnAddresses::every_domain)
      return {account->id};
  return {};
}

Found Site::look_up(const state::View& view, const policy::Address& address) const {
  const bool is_relayed = is_relayed_.contains(address.domain);
  const bool is_ours = address.domain.empty() || is_local_.contains(address.domain) || is_relayed;
  if (!is_ours) return {policy::Recipient::foreign, {}};
  if (policy::asks_for_routing(address)) return {policy::Recipient::routed, {}};
  if (is_relayed) return {policy::Recipient::relayed, {}};
  // <postmaster> is that of the first domain.
  const std::string domain = address.domain.empty() && !domains_.empty() ? domains_.front() : address.domain;
  for (const std::string_view local : policy::local_part_forms(address.local, delimiters_))
    if (auto accounts = accounts_at(view, {std::string{local}, domain}); !accounts.empty())
      return {policy::Recipient::local, std::move(accounts)};
  if (address.local != kPostmaster) return {policy::Recipient::unknown, {}};
  const auto postmaster = view.account_named(postmaster_);
  if (!postmaster) return {policy::Recipient::no_postmaster, {}};
  return {policy::Recipient::local, {postmaster->id}};
}

std::vector<std::string> Site::patterns_of(const state::View& view, const state::Account& account) const {
  std::vector<std::string> patterns;
  const auto add = [&](std::string pattern) {
    const std::string_view domain = std::string_view{pattern}.substr(pattern.rfind('@') + 1);
    if (domain.empty() || is_local_.contains(domain)) patterns.push_back(std::move(pattern));
  };
  if (account.own == state::OwnAddresses::every_domain)
    add(account.name.find('@') == std::string::npos ? account.name + '@' : account.name);
  for (std::string& alias : view.aliases_of(account.id)) add(std::move(alias));
  if (account.name == postmaster_ && account.name != kPostmaster) add(std::string{kPostmaster} + '@');
  return patterns;
}

std::vector<std::string> Site::addresses_of(const state::View& view, const state::Account& account) const {
  std::vector<std::string> addresses;
  for (std::string& pattern : patterns_of(view, account)) {
    if (!pattern.ends_with('@')) {
      addresses.push_back(std::move(pattern));
      continue;
    }
    for (const std::string& domain : domains_) addresses.push_back(pattern + domain);
  }
  return addresses;
}

std::string Site::shown_address(std::span<const std::string> patterns) const {
  const auto found = std::ranges::find_if(patterns, is_ascii);
  if (found == patterns.end()) return patterns.empty() ? "" : "its address in UTF-8";
  return found->ends_with('@') && !domains_.empty() ? *found + domains_.front() : *found;
}

}  // namespace mailroom::policyd
