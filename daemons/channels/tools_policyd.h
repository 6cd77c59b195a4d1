// mr-account speaks to policyd about accounts and aliases, on its control socket (0600, root's): one request,
// one answer. Lists come in pages: the tool asks again after the last one it has, until a page says that it
// is the last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "daemons/channels/tools_access.h"
#include "daemons/channels/tools_devices.h"
#include "daemons/channels/types.h"

namespace mailroom {

inline constexpr std::size_t kMaxNewAccounts = 200;  // of one AddAccounts
inline constexpr std::size_t kPageSize = 100;        // accounts or aliases of one page

struct NewAccount {
  std::string name;
  std::uint8_t services = 0;  // spool/state/services.h
  bool own_addresses = true;  // NAME@DOMAIN for every local domain
  static auto fields(auto& m) { return std::tie(m.name, m.services, m.own_addresses); }
};
struct AddAccounts {  // each by itself: one that cannot be added does not keep out the others
  std::vector<NewAccount> accounts;
  static auto fields(auto& m) { return std::tie(m.accounts); }
};
struct ChangeAccount {
  std::string name;
  std::optional<bool> disabled;
  std::optional<std::uint8_t> services;
  std::optional<bool> own_addresses;
  std::optional<bool> grants;      // whether reading mail lets its address send (POP-before-SMTP)
  std::optional<bool> functional;  // an office, not a person
  std::optional<std::vector<std::string>> send_as;  // sender patterns
  static auto fields(auto& m) {
    return std::tie(m.name, m.disabled, m.services, m.own_addresses, m.grants, m.functional, m.send_as);
  }
};
struct RemoveAccount {
  std::string name;
  static auto fields(auto& m) { return std::tie(m.name); }
};
struct ShowAccount {
  std::string name;
  static auto fields(auto& m) { return std::tie(m.name); }
};
struct ListAccounts {
  std::string after;  // a name; empty: from the beginning
  static auto fields(auto& m) { return std::tie(m.after); }
};
struct SetAlias {  // no accounts: the alias is removed
  std::string address;
  std::vector<std::string> accounts;
  static auto fields(auto& m) { return std::tie(m.address, m.accounts); }
};
struct ListAliases {
  std::string after;  // an address; empty: from the beginning
  static auto fields(auto& m) { return std::tie(m.after); }
};
using ToolToPolicyd =
    std::variant<AddAccounts, ChangeAccount, RemoveAccount, ShowAccount, ListAccounts, SetAlias, ListAliases,
                 ListGrants, RevokeGrants, ListLimits, ReleaseLimit, ExplainMail, RequestDevice, StepDevice,
                 EditDevice, ShowDevice, FindPrincipal, ListDevices, ListDeviceHistory, ImportDevices>;

struct AddResult {
  std::string name;
  AccountId account = 0;  // 0: not added, see problem
  std::string problem;    // also when added, but without a directory so far
  static auto fields(auto& m) { return std::tie(m.name, m.account, m.problem); }
};
struct AccountsAdded {  // durable; in the order of the request
  std::vector<AddResult> results;
  static auto fields(auto& m) { return std::tie(m.results); }
};
struct Done {  // durable
  static auto fields(auto&) { return std::tie(); }
};
struct ToolRefused {
  std::string reason;
  static auto fields(auto& m) { return std::tie(m.reason); }
};
struct AccountFacts {
  AccountId account = 0;
  std::string name;
  std::uint8_t services = 0;
  bool disabled = false;
  bool own_addresses = true;
  std::uint64_t created = 0;  // seconds since 1970
  static auto fields(auto& m) {
    return std::tie(m.account, m.name, m.services, m.disabled, m.own_addresses, m.created);
  }
};
struct AccountShown {
  AccountFacts facts;
  std::vector<std::string> addresses;
  bool grants = true;
  bool functional = false;
  std::vector<std::string> send_as;
  static auto fields(auto& m) { return std::tie(m.facts, m.addresses, m.grants, m.functional, m.send_as); }
};
struct AccountPage {
  std::vector<AccountFacts> accounts;
  bool last = false;
  static auto fields(auto& m) { return std::tie(m.accounts, m.last); }
};
struct AliasFacts {
  std::string address;
  std::vector<std::string> accounts;  // the first of them, when there are very many
  static auto fields(auto& m) { return std::tie(m.address, m.accounts); }
};
struct AliasPage {
  std::vector<AliasFacts> aliases;
  bool last = false;
  static auto fields(auto& m) { return std::tie(m.aliases, m.last); }
};
using PolicydToTool = std::variant<AccountsAdded, Done, ToolRefused, AccountShown, AccountPage, AliasPage,
                                   GrantPage, GrantsRevoked, LimitPage, MailExplained, DeviceShown,
                                   PrincipalFound, DevicePage, DeviceHistoryPage, DevicesImported>;

}  // namespace mailroom
