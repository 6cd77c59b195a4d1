// The directory: accounts, their names, and the addresses that lead to them.  One LMDB environment (format.md
// beside this file), opened by policyd and by nothing else.
//
// A View is one consistent state; take it for one decision and let it go.  An Update is a transaction:
// nothing of it is there before commit() has returned, and all of it is on disk then.  Names and addresses
// are given in their one form (libcommon/policy); what is not in that form is refused as Fault::not_a_name or
// not_an_address.
//
// Failures of the disk throw lmdb::Error; a record that is not what was written throws Damaged.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "libcommon/lmdb/lmdb.h"
#include "libcommon/policy/address.h"
#include "libcommon/policy/device.h"
#include "libcommon/policy/limits.h"
#include "libcommon/policy/suspension.h"
#include "libcommon/routing/sts_policy.h"
#include "libcommon/sys/ip_network.h"
#include "libcommon/tlsrpt/tally.h"
#include "spool/state/services.h"

namespace mailroom::state {

using AccountId = std::uint32_t;  // from 1, never used twice

struct Damaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Whether NAME@DOMAIN is an address of the account NAME for each local domain.  An account whose name is
// itself an address has that one.
enum class OwnAddresses : std::uint8_t { every_domain, none, kLast = none };

struct Account {
  AccountId id = 0;
  std::string name;
  std::uint8_t services = kUsualServices;  // bits of services.h
  bool disabled = false;                   // may not log in; its mail is still taken in
  OwnAddresses own = OwnAddresses::every_domain;
  std::uint64_t created = 0;  // seconds since 1970

  bool operator==(const Account&) const = default;
  static auto fields(auto& m) { return std::tie(m.id, m.name, m.services, m.disabled, m.own, m.created); }
};

// `address` is local@domain, or local@ for every local domain.
struct Alias {
  std::string address;
  std::vector<AccountId> accounts;  // ascending, never empty

  bool operator==(const Alias&) const = default;
};

// What an account may, and may not, beyond what every account may.
struct Permissions {
  bool no_grants = false;            // reading mail lets nobody send: no POP-before-SMTP
  bool functional = false;           // an office, not a person: devices may send as it
  std::vector<std::string> send_as;  // libcommon/policy/sender_pattern.h

  bool operator==(const Permissions&) const = default;
  static auto fields(auto& m) { return std::tie(m.no_grants, m.functional, m.send_as); }
};

// An account has read mail from that network: it may send from there for a while (POP-before-SMTP).
struct Grant {
  IpNetwork network;
  AccountId account = 0;
  std::uint64_t since = 0;  // seconds since 1970, by a clock that is never set back

  bool operator==(const Grant&) const = default;
  static auto fields(auto& m) { return std::tie(m.network, m.account, m.since); }
};

// The MTA-STS policy of another domain, as it was fetched (RFC 8461 3.3).
struct StsRecord {
  std::string label;  // id of the TXT record that it was fetched for
  routing::StsMode mode = routing::StsMode::none;
  std::vector<std::string> mx;
  std::uint32_t max_age = 0;  // seconds
  std::uint64_t fetched = 0;  // seconds since 1970

  bool operator==(const StsRecord&) const = default;
  static auto fields(auto& m) { return std::tie(m.label, m.mode, m.mx, m.max_age, m.fetched); }
};

// What came of TLS to a domain on one day (RFC 8460).
struct TlsResult {
  std::uint32_t day = 0;  // since 1970, UTC
  std::string domain;
  std::vector<tlsrpt::Tally> tallies;

  bool operator==(const TlsResult&) const = default;
  static auto fields(auto& m) { return std::tie(m.day, m.domain, m.tallies); }
};

// Who has the report on such a result already, while others have not.
struct TlsReached {
  std::uint32_t day = 0;
  std::string domain;
  std::vector<std::string> destinations;  // as the domain's TXT record names them

  bool operator==(const TlsReached&) const = default;
  static auto fields(auto& m) { return std::tie(m.day, m.domain, m.destinations); }
};

// How much somebody has sent (libcommon/policy/limits.h), as of the last time it was written.
struct LimitUse {
  struct Window {
    std::uint64_t began = 0;  // seconds since 1970
    std::uint32_t messages = 0, recipients = 0;
    bool operator==(const Window&) const = default;
    static auto fields(auto& m) { return std::tie(m.began, m.messages, m.recipients); }
  };
  policy::LimitScope scope = policy::LimitScope::account;
  std::string name;
  std::array<Window, 3> windows;  // the minute, the hour, the day

  bool operator==(const LimitUse&) const = default;
  static auto fields(auto& m) { return std::tie(m.scope, m.name, m.windows); }
};

// Reports to a device's sender addresses that could not be delivered (REQUIREMENTS C8), and what is still to
// be done about them.
struct DeviceReports {
  policy::RefusedReports refused;
  std::vector<std::string> untold;  // contacts that have yet to hear of the suspension
  std::string why;                  // it was suspended

  bool operator==(const DeviceReports&) const = default;
  static auto fields(auto& m) { return std::tie(m.refused, m.untold, m.why); }
};

// What mailroomd still has to do for an account.
enum class Errand : std::uint8_t { make_directory, remove_directory, kLast = remove_directory };

enum class Fault : std::uint8_t {
  not_a_name,
  not_an_address,
  name_taken,
  address_taken,
  no_such_account,
  no_such_alias,
  too_many_targets,  // kMaxTargets
  too_many_aliases,  // kMaxAliases
  no_more_ids,
  not_a_sender,
  too_many_senders,  // kMaxSendAs
};
std::string_view fault_text(Fault fault);

inline constexpr std::size_t kMaxTargets = 1'000;  // accounts of one alias
inline constexpr std::size_t kMaxAliases = 100;    // aliases that lead to one account
inline constexpr std::size_t kMaxSendAs = 100;     // sender patterns of one account

struct Tables {
  lmdb::Dbi meta, accounts, names, aliases, memberships, errands, permissions, grants, sts_policies,
      tls_results, tls_reached, devices, device_hosts, device_principals, device_history, limit_uses,
      device_reports;
};

class View {
 public:
  View(lmdb::Txn txn, const Tables& tables) : txn_{std::move(txn)}, tables_{tables} {}

  std::optional<Account> account(AccountId id) const;
  std::optional<Account> account_named(std::string_view name) const;
  // The accounts of an alias; empty when there is none of that address (local@domain or local@).
  std::vector<AccountId> alias(std::string_view address) const;
  std::vector<std::string> aliases_of(AccountId id) const;

  // At most `limit`, in the order of their names and addresses, from the first after `after`.
  std::vector<Account> accounts_after(std::string_view after, std::size_t limit) const;
  std::vector<Alias> aliases_after(std::string_view after, std::size_t limit) const;

  std::vector<std::pair<AccountId, Errand>> errands() const;

  // Those that nobody has changed are default-made.
  Permissions permissions(AccountId id) const;
  // All, the outdated ones too.
  std::vector<Grant> grants() const;
  // The latest time that any grant was given or note_time() called with; 0: never.
  std::uint64_t latest_time() const;
  std::vector<std::pair<std::string, StsRecord>> sts_policies() const;  // by domain
  std::vector<TlsResult> tls_results() const;                           // by day and domain
  std::vector<TlsReached> tls_reached() const;                          // the same

  std::optional<policy::Registration> device(std::string_view name) const;
  // The one that is known by it; a removed one is known by nothing.
  std::optional<policy::Registration> device_of_host(std::string_view dns_name) const;
  std::optional<policy::Registration> device_of_principal(std::string_view principal) const;
  // At most `limit`, in the order of their names, from the first after `after`.
  std::vector<policy::Registration> devices_after(std::string_view after, std::size_t limit) const;
  // At most `limit` steps, from the one of that number, counted from 0.
  std::vector<policy::DeviceHistory> device_history(std::string_view name, std::uint64_t from,
                                                    std::size_t limit) const;

  std::vector<LimitUse> limit_uses() const;
  // Of one device; empty when there are none.
  DeviceReports device_reports(std::string_view device) const;
  std::vector<std::pair<std::string, DeviceReports>> all_device_reports() const;  // by device

  std::uint64_t account_count() const { return txn_.count(tables_.accounts); }

 protected:
  std::optional<AccountId> id_of(std::string_view name) const;
  std::optional<policy::Registration> device_by(lmdb::Dbi index, std::string_view key) const;
  mutable lmdb::Txn txn_;  // a cursor needs it writable, and changes nothing
  const Tables& tables_;
};

class Update : public View {
 public:
  using View::View;

  // A new id, below `end`, and its errand to make the directory.  `account.id` is ignored.
  [[nodiscard]] std::expected<AccountId, Fault> add(Account account, AccountId end);
  // Services, disabled and own addresses; id and name stay.
  [[nodiscard]] std::expected<void, Fault> change(const Account& account);
  // With its memberships in aliases, permissions and grants, and the errand to put its directory aside.
  [[nodiscard]] std::expected<AccountId, Fault> remove(std::string_view name);
  // Makes or replaces; no accounts: removes.  An account's own address may be an alias that leads to it among
  // others.
  [[nodiscard]] std::expected<void, Fault> set_alias(std::string_view address,
                                                     std::vector<AccountId> accounts);
  void errand_done(AccountId id);
  void put_sts_policy(std::string_view domain, const StsRecord& policy);
  void erase_sts_policy(std::string_view domain);
  void put_tls_result(const TlsResult& result);
  void put_tls_reached(const TlsReached& reached);
  void erase_tls_result(std::uint32_t day, std::string_view domain);  // with who was reached

  void put_limit_use(const LimitUse& use);
  void erase_limit_use(policy::LimitScope scope, std::string_view name);
  void put_device_reports(std::string_view device, const DeviceReports& reports);

  [[nodiscard]] std::expected<void, Fault> set_permissions(AccountId id, const Permissions& permissions);
  // Makes or replaces that of the same network and account.
  void put_grant(const Grant& grant);
  void erase_grant(const IpNetwork& network, AccountId account);
  void note_time(std::uint64_t seconds);

  // Makes or replaces a registration in its canonical form, and adds the step to its history.  In words whose
  // a name or principal is already.
  [[nodiscard]] std::expected<void, std::string> put_device(const policy::Registration& device,
                                                            const policy::DeviceHistory& history);

  void commit() { txn_.commit(); }

 private:
  std::expected<void, std::string> check_free(lmdb::Dbi index, const std::vector<std::string>& keys,
                                              std::string_view device) const;
  std::expected<void, std::string> check_no_accounts(const std::vector<std::string>& principals) const;
  void reindex(const policy::Registration& device, lmdb::Dbi index, const std::vector<std::string>& before,
               const std::vector<std::string>& now);
  std::uint64_t next_history(std::string_view device) const;
  void put_account(const Account& account);
  AccountId next_id() const;
  bool alias_with_local_part(std::string_view local) const;
  bool account_with_local_part(std::string_view local) const;
  bool own_address_is_taken(const Account& account) const;
  std::vector<AccountId> owners_of(const policy::Address& address) const;
  std::expected<void, Fault> check_targets(const std::vector<AccountId>& accounts,
                                           std::string_view address) const;
  void leave_aliases(AccountId id);
  void put_alias(std::string_view address, const std::vector<AccountId>& before,
                 const std::vector<AccountId>& accounts);
};

class Directory {
 public:
  // Opens or makes it in an existing directory, and verifies all of it.
  static Directory open(const std::string& path, std::uint64_t map_size);

  View view() { return View{env_.read(), tables_}; }
  Update update() { return Update{env_.write(), tables_}; }
  double fullness() const { return env_.fullness(); }

 private:
  Directory(lmdb::Env env, const Tables& tables) : env_{std::move(env)}, tables_{tables} {}
  lmdb::Env env_;
  Tables tables_;
};

// Walks every record and every reference.  Throws Damaged with what is wrong first.
void verify(lmdb::Txn& txn, const Tables& tables);

// Keys, for verify() and the format's tests.
inline constexpr std::string_view kFormatKey = "format", kNextAccountKey = "next-account",
                                  kLatestTimeKey = "latest-time";
inline constexpr std::uint32_t kFormatVersion = 1;
std::string account_key(AccountId id);
std::string history_key(std::string_view device, std::uint64_t number);
std::string grant_key(const IpNetwork& network, AccountId account);
std::string membership_key(AccountId id, std::string_view address);
// An alias's address in its two forms; nothing for what is no address.
std::optional<policy::Address> parse_alias_address(std::string_view address);

}  // namespace mailroom::state
