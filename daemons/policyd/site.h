// Which addresses are ours, and whose: the directory seen through the configured domains.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/config.h"
#include "libcommon/policy/address.h"
#include "libcommon/policy/policy.h"
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

  // All addresses of an account, its own ones first.
  std::vector<std::string> addresses_of(const state::View& view, const state::Account& account) const;

  // One of them to show to its user, in ASCII; empty when there is none.
  std::string shown_address(const state::View& view, const state::Account& account) const;

 private:
  std::vector<AccountId> accounts_at(const state::View& view, const policy::Address& address) const;

  std::vector<std::string> domains_;  // in the order of the configuration
  std::set<std::string, std::less<>> is_local_;
  std::string delimiters_;
  std::string postmaster_;
};

}  // namespace mailroom::policyd
