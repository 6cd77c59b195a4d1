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
  if (!address.domain.empty() && !is_local_.contains(address.domain)) return {policy::Recipient::foreign, {}};
  if (policy::asks_for_routing(address)) return {policy::Recipient::routed, {}};
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

std::vector<std::string> Site::addresses_of(const state::View& view, const state::Account& account) const {
  std::vector<std::string> addresses;
  const auto add = [&](const std::string& local_and_at) {
    for (const std::string& domain : domains_) addresses.push_back(local_and_at + domain);
  };
  const std::size_t at = account.name.find('@');
  if (account.own == state::OwnAddresses::every_domain) {
    if (at == std::string::npos) {
      add(account.name + '@');
    } else if (is_local_.contains(account.name.substr(at + 1))) {
      addresses.push_back(account.name);
    }
  }
  for (const std::string& alias : view.aliases_of(account.id)) {
    if (alias.ends_with('@')) {
      add(alias);
    } else if (is_local_.contains(alias.substr(alias.rfind('@') + 1))) {
      addresses.push_back(alias);
    }
  }
  if (account.name == postmaster_ && account.name != kPostmaster) add(std::string{kPostmaster} + '@');
  return addresses;
}

std::string Site::shown_address(const state::View& view, const state::Account& account) const {
  const auto addresses = addresses_of(view, account);
  const auto found = std::ranges::find_if(addresses, is_ascii);
  if (found != addresses.end()) return *found;
  return addresses.empty() ? "" : "its address in UTF-8";
}

}  // namespace mailroom::policyd
