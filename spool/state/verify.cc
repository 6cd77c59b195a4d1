#include "libcommon/policy/login_name.h"
#include "spool/state/directory.h"
#include "spool/state/record.h"

namespace mailroom::state {
namespace {

template <typename T>
T value_of(const lmdb::Cursor& cursor, const char* what) {
  auto value = decode_record<T>(cursor.key(), cursor.value());
  if (!value) throw Damaged(std::string("shared state: a damaged record among the ") + what);
  return std::move(*value);
}

void require(bool holds, const char* what) {
  if (!holds) throw Damaged(std::string("shared state: ") + what);
}

void verify_accounts(lmdb::Txn& txn, const Tables& tables, AccountId next) {
  lmdb::Cursor cursor{txn, tables.accounts};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    const auto account = value_of<Account>(cursor, "accounts");
    require(cursor.key() == account_key(account.id), "an account under another's key");
    require(account.id != 0 && account.id < next, "an account beyond the counter of ids");
    require(policy::canonical_login_name(account.name) == account.name, "an account with an impossible name");
    const auto id = txn.get(tables.names, account.name);
    require(id && decode_record<AccountId>(account.name, *id) == account.id, "an account without its name");
  }
  require(txn.count(tables.names) == txn.count(tables.accounts), "a name without its account");
}

void verify_aliases(lmdb::Txn& txn, const Tables& tables) {
  std::uint64_t memberships = 0;
  lmdb::Cursor cursor{txn, tables.aliases};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    const auto accounts = value_of<std::vector<AccountId>>(cursor, "aliases");
    require(!accounts.empty(), "an alias that leads nowhere");
    require(parse_alias_address(cursor.key()).has_value(), "an alias that is no address");
    memberships += accounts.size();
    for (const AccountId id : accounts) {
      require(txn.get(tables.accounts, account_key(id)).has_value(), "an alias that leads to no account");
      require(txn.get(tables.memberships, membership_key(id, cursor.key())).has_value(),
              "an alias that its account does not know");
    }
  }
  require(memberships == txn.count(tables.memberships), "an account with an alias that is not there");
}

void verify_permissions(lmdb::Txn& txn, const Tables& tables) {
  lmdb::Cursor cursor{txn, tables.permissions};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    value_of<Permissions>(cursor, "permissions");
    require(txn.get(tables.accounts, cursor.key()).has_value(), "permissions of no account");
  }
}

void verify_grants(lmdb::Txn& txn, const Tables& tables) {
  lmdb::Cursor cursor{txn, tables.grants};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    const auto grant = value_of<Grant>(cursor, "grants");
    require(cursor.key() == grant_key(grant.network, grant.account), "a grant under another's key");
    require(txn.get(tables.accounts, account_key(grant.account)).has_value(), "a grant of no account");
  }
}

// What each device is known by leads to it, and nothing else does.
void verify_devices(lmdb::Txn& txn, const Tables& tables) {
  std::uint64_t hosts = 0, principals = 0;
  const auto leads_to = [&](lmdb::Dbi index, const std::string& key, const std::string& device) {
    const auto holder = txn.get(index, key);
    require(holder && decode_record<std::string>(key, *holder) == device,
            "a device that its name does not lead to");
  };
  lmdb::Cursor cursor{txn, tables.devices};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    const auto device = value_of<policy::Registration>(cursor, "devices");
    require(cursor.key() == device.name, "a device under another's name");
    require(txn.get(tables.device_history, history_key(device.name, 0)).has_value(),
            "a device without history");
    if (device.state == policy::DeviceState::removed) continue;
    hosts += device.dns_names.size();
    principals += device.principals.size();
    for (const std::string& name : device.dns_names) leads_to(tables.device_hosts, name, device.name);
    for (const std::string& name : device.principals) leads_to(tables.device_principals, name, device.name);
  }
  require(hosts == txn.count(tables.device_hosts), "a DNS name of no device");
  require(principals == txn.count(tables.device_principals), "a principal of no device");
  lmdb::Cursor history{txn, tables.device_history};
  for (bool there = history.first(); there; there = history.next())
    value_of<policy::DeviceHistory>(history, "device histories");
}

}  // namespace

void verify(lmdb::Txn& txn, const Tables& tables) {
  const auto bytes = txn.get(tables.meta, kNextAccountKey);
  const auto next = bytes ? decode_record<AccountId>(kNextAccountKey, *bytes) : std::nullopt;
  require(next && *next != 0, "the counter of account ids is not there");
  verify_accounts(txn, tables, *next);
  verify_aliases(txn, tables);
  verify_permissions(txn, tables);
  verify_grants(txn, tables);
  verify_devices(txn, tables);
  lmdb::Cursor errands{txn, tables.errands};
  for (bool there = errands.first(); there; there = errands.next()) value_of<Errand>(errands, "errands");
  lmdb::Cursor policies{txn, tables.sts_policies};
  for (bool there = policies.first(); there; there = policies.next())
    value_of<StsRecord>(policies, "MTA-STS policies");
  lmdb::Cursor results{txn, tables.tls_results};
  for (bool there = results.first(); there; there = results.next())
    value_of<TlsResult>(results, "TLS results");
  lmdb::Cursor reached{txn, tables.tls_reached};
  for (bool there = reached.first(); there; there = reached.next())
    value_of<TlsReached>(reached, "receivers of reports on TLS");
  lmdb::Cursor uses{txn, tables.limit_uses};
  for (bool there = uses.first(); there; there = uses.next()) value_of<LimitUse>(uses, "uses of limits");
  lmdb::Cursor refused{txn, tables.device_reports};
  for (bool there = refused.first(); there; there = refused.next())
    value_of<DeviceReports>(refused, "refused reports");
}

}  // namespace mailroom::state
