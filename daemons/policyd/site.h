// Which addresses are ours, and whose: the directory seen through the configured domains.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/config.h"
#include "libcommon/policy/address.h"
#include "libcommon/policy/policy.h"
#include "libcommon/policy/sender_pattern.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

struct Found {
  policy::Recipient kind = policy::Recipient::unknown;
  std::vector<AccountId> accounts;  // not empty when kind is local
};

class Site {
 public:
  explicit Site(const Config& config);

  // Tries, for the local part itself and then without its details: an alias of the address, an alias of the
  // local part in every domain, the account whose name is the address, the account whose name is the local
  // part.  Postmaster is the configured account where nobody else is (RFC 5321 4.5.1).
  Found look_up(const state::View& view, const policy::Address& address) const;

  bool matches(const policy::Address& address, std::string_view sender_pattern) const {
    return policy::matches_sender_pattern(address, sender_pattern, delimiters_, is_local_);
  }

  // The sender patterns of an account's own addresses and aliases, its own ones first.
  std::vector<std::string> patterns_of(const state::View& view, const state::Account& account) const;
  // The same, each written out for every local domain.
  std::vector<std::string> addresses_of(const state::View& view, const state::Account& account) const;

  // An address of a sender pattern, to show to who may use it, in ASCII; empty when there is none.
  std::string shown_address(std::span<const std::string> patterns) const;

 private:
  std::vector<AccountId> accounts_at(const state::View& view, const policy::Address& address) const;

  std::vector<std::string> domains_;  // in the order of the configuration
  policy::DomainSet is_local_;
  policy::DomainSet is_relayed_;
  std::string delimiters_;
  std::string postmaster_;
};

}  // namespace mailroom::policyd
