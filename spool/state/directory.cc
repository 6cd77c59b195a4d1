#include "spool/state/directory.h"

#include <algorithm>

#include "libcommon/policy/login_name.h"
#include "spool/state/rows.h"

namespace mailroom::state {
namespace {

constexpr unsigned kMaxDatabases = 32;  // more than there are

bool any_with_prefix(lmdb::Txn& txn, lmdb::Dbi dbi, std::string_view prefix) {
  lmdb::Cursor cursor{txn, dbi};
  return cursor.seek(prefix) && cursor.key().starts_with(prefix);
}

void begin_format(lmdb::Txn& txn, const Tables& tables) {
  if (const auto version = get_record<std::uint32_t>(txn, tables.meta, kFormatKey)) {
    if (*version != kFormatVersion) throw Damaged("the shared state is of another version of this program");
    return;
  }
  put_record(txn, tables.meta, kFormatKey, kFormatVersion);
  put_record(txn, tables.meta, kNextAccountKey, AccountId{1});
}

}  // namespace

std::string_view fault_text(Fault fault) {
  constexpr std::string_view kTexts[] = {
      "not a name that an account can have",
      "not an address that can be given away",
      "there is an account of that name already",
      "the address belongs to another account or alias",
      "there is no such account",
      "there is no such alias",
      "an alias cannot lead to so many accounts",
      "the account has too many aliases",
      "all account ids of the configured range are used",
      "a sender is an address, @DOMAIN or *",
      "an account cannot send as so many",
  };
  return kTexts[static_cast<std::size_t>(fault)];
}

std::string account_key(AccountId id) {
  std::string key;
  lmdb::append_key(key, id);
  return key;
}

std::string membership_key(AccountId id, std::string_view address) { return account_key(id).append(address); }

std::optional<policy::Address> parse_alias_address(std::string_view address) {
  if (!address.empty() && address.back() == '@') {
    auto parsed = policy::parse_address(std::string(address) + "every.domain");
    if (!parsed || policy::asks_for_routing(*parsed)) return std::nullopt;
    parsed->domain.clear();
    return parsed;
  }
  auto parsed = policy::parse_address(address);
  if (!parsed || !policy::may_be_given(*parsed)) return std::nullopt;
  return parsed;
}

// ---- View

std::optional<Account> View::account(AccountId id) const {
  return get_record<Account>(txn_, tables_.accounts, account_key(id));
}

std::optional<AccountId> View::id_of(std::string_view name) const {
  if (name.empty() || name.size() > lmdb::kMaxKey) return std::nullopt;
  return get_record<AccountId>(txn_, tables_.names, name);
}

std::optional<Account> View::account_named(std::string_view name) const {
  const auto id = id_of(name);
  if (!id) return std::nullopt;
  auto found = account(*id);
  if (!found) throw Damaged("a name of the shared state leads to no account");
  return found;
}

std::vector<AccountId> View::alias(std::string_view address) const {
  if (address.empty() || address.size() > lmdb::kMaxKey) return {};
  return get_record<std::vector<AccountId>>(txn_, tables_.aliases, address)
      .value_or(std::vector<AccountId>{});
}

std::vector<std::string> View::aliases_of(AccountId id) const {
  const std::string prefix = account_key(id);
  std::vector<std::string> found;
  lmdb::Cursor cursor{txn_, tables_.memberships};
  for (bool there = cursor.seek(prefix); there && cursor.key().starts_with(prefix); there = cursor.next())
    found.emplace_back(cursor.key().substr(prefix.size()));
  return found;
}

std::vector<Account> View::accounts_after(std::string_view after, std::size_t limit) const {
  std::vector<Account> found;
  lmdb::Cursor cursor{txn_, tables_.names};
  for (bool there = seek_after(cursor, after); there && found.size() < limit; there = cursor.next()) {
    auto account = account_named(cursor.key());
    found.push_back(std::move(*account));
  }
  return found;
}

std::vector<Alias> View::aliases_after(std::string_view after, std::size_t limit) const {
  std::vector<Alias> found;
  lmdb::Cursor cursor{txn_, tables_.aliases};
  for (bool there = seek_after(cursor, after); there && found.size() < limit; there = cursor.next())
    found.push_back({std::string{cursor.key()}, alias(cursor.key())});
  return found;
}

std::vector<std::pair<AccountId, Errand>> View::errands() const {
  std::vector<std::pair<AccountId, Errand>> found;
  lmdb::Cursor cursor{txn_, tables_.errands};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    const auto errand = decode_record<Errand>(cursor.key(), cursor.value());
    if (!errand) throw Damaged("an errand of the shared state is damaged");
    found.emplace_back(lmdb::parse_key<AccountId>(cursor.key()), *errand);
  }
  return found;
}

// ---- Update

AccountId Update::next_id() const {
  const auto next = get_record<AccountId>(txn_, tables_.meta, kNextAccountKey);
  if (!next || *next == 0) throw Damaged("the counter of account ids is not there");
  return *next;
}

void Update::put_account(const Account& account) {
  put_record(txn_, tables_.accounts, account_key(account.id), account);
}

bool Update::alias_with_local_part(std::string_view local) const {
  return any_with_prefix(txn_, tables_.aliases, std::string(local) + '@');
}

bool Update::account_with_local_part(std::string_view local) const {
  return any_with_prefix(txn_, tables_.names, std::string(local) + '@');
}

// Whether an alias or another account has an address that would be this account's own.
bool Update::own_address_is_taken(const Account& account) const {
  if (account.own == OwnAddresses::none) return false;
  const std::size_t at = account.name.find('@');
  if (at == std::string::npos)
    return alias_with_local_part(account.name) || account_with_local_part(account.name);
  const std::string local = account.name.substr(0, at);
  const auto general = account_named(local);
  return !alias(account.name).empty() || !alias(local + '@').empty() ||
         (general && general->own == OwnAddresses::every_domain);
}

std::expected<AccountId, Fault> Update::add(Account account, AccountId end) {
  if (policy::canonical_login_name(account.name) != account.name) return std::unexpected(Fault::not_a_name);
  if (id_of(account.name) || device_of_principal(account.name)) return std::unexpected(Fault::name_taken);
  if (own_address_is_taken(account)) return std::unexpected(Fault::address_taken);
  account.id = next_id();
  if (account.id >= end) return std::unexpected(Fault::no_more_ids);
  put_record(txn_, tables_.meta, kNextAccountKey, account.id + 1);
  put_account(account);
  put_record(txn_, tables_.names, account.name, account.id);
  put_record(txn_, tables_.errands, account_key(account.id), Errand::make_directory);
  return account.id;
}

std::expected<void, Fault> Update::change(const Account& account) {
  const auto before = this->account(account.id);
  if (!before || before->name != account.name) return std::unexpected(Fault::no_such_account);
  const bool gains = before->own == OwnAddresses::none && account.own != OwnAddresses::none;
  if (gains && own_address_is_taken(account)) return std::unexpected(Fault::address_taken);
  put_account(account);
  return {};
}

std::expected<AccountId, Fault> Update::remove(std::string_view name) {
  const auto id = id_of(name);
  if (!id) return std::unexpected(Fault::no_such_account);
  leave_aliases(*id);
  txn_.erase(tables_.permissions, account_key(*id));
  for (const Grant& grant : grants())
    if (grant.account == *id) erase_grant(grant.network, *id);
  txn_.erase(tables_.names, name);
  txn_.erase(tables_.accounts, account_key(*id));
  put_record(txn_, tables_.errands, account_key(*id), Errand::remove_directory);
  return *id;
}

void Update::leave_aliases(AccountId id) {
  for (const std::string& address : aliases_of(id)) {
    const std::vector<AccountId> before = alias(address);
    std::vector<AccountId> left = before;
    std::erase(left, id);
    put_alias(address, before, left);
  }
}

// The accounts that have this address as their own.
std::vector<AccountId> Update::owners_of(const policy::Address& address) const {
  std::vector<AccountId> owners;
  if (const auto general = account_named(address.local);
      general && general->own == OwnAddresses::every_domain)
    owners.push_back(general->id);
  lmdb::Cursor cursor{txn_, tables_.names};
  const std::string prefix = address.local + '@';
  for (bool there = cursor.seek(prefix); there && cursor.key().starts_with(prefix); there = cursor.next()) {
    if (!address.domain.empty() && cursor.key() != address.key()) continue;
    if (const auto owner = account_named(cursor.key()); owner->own == OwnAddresses::every_domain)
      owners.push_back(owner->id);
  }
  return owners;
}

std::expected<void, Fault> Update::check_targets(const std::vector<AccountId>& accounts,
                                                 std::string_view address) const {
  if (accounts.size() > kMaxTargets) return std::unexpected(Fault::too_many_targets);
  for (const AccountId id : accounts) {
    if (!account(id)) return std::unexpected(Fault::no_such_account);
    const auto aliases = aliases_of(id);
    if (aliases.size() >= kMaxAliases && std::ranges::find(aliases, address) == aliases.end())
      return std::unexpected(Fault::too_many_aliases);
  }
  return {};
}

std::expected<void, Fault> Update::set_alias(std::string_view address, std::vector<AccountId> accounts) {
  const auto parsed = parse_alias_address(address);
  if (!parsed || parsed->key() != address) return std::unexpected(Fault::not_an_address);
  std::ranges::sort(accounts);
  accounts.erase(std::unique(accounts.begin(), accounts.end()), accounts.end());
  const std::vector<AccountId> before = alias(address);
  if (accounts.empty() && before.empty()) return std::unexpected(Fault::no_such_alias);
  if (const auto checked = check_targets(accounts, address); !checked) return checked;
  if (!accounts.empty())
    for (const AccountId owner : owners_of(*parsed))
      if (!std::ranges::binary_search(accounts, owner)) return std::unexpected(Fault::address_taken);
  put_alias(address, before, accounts);
  return {};
}

void Update::put_alias(std::string_view address, const std::vector<AccountId>& before,
                       const std::vector<AccountId>& accounts) {
  for (const AccountId id : before) txn_.erase(tables_.memberships, membership_key(id, address));
  for (const AccountId id : accounts) txn_.put(tables_.memberships, membership_key(id, address), "");
  if (accounts.empty()) {
    txn_.erase(tables_.aliases, address);
  } else {
    put_record(txn_, tables_.aliases, address, accounts);
  }
}

void Update::errand_done(AccountId id) { txn_.erase(tables_.errands, account_key(id)); }

// ---- Directory

Directory Directory::open(const std::string& path, std::uint64_t map_size) {
  auto env = lmdb::Env::open({.path = path, .map_size = map_size, .max_databases = kMaxDatabases});
  auto txn = env.write();
  using Create = lmdb::Txn::Create;
  const Tables tables{
      txn.database("meta", Create::yes),           txn.database("accounts", Create::yes),
      txn.database("names", Create::yes),          txn.database("aliases", Create::yes),
      txn.database("memberships", Create::yes),    txn.database("errands", Create::yes),
      txn.database("permissions", Create::yes),    txn.database("grants", Create::yes),
      txn.database("sts-policies", Create::yes),   txn.database("tls-results", Create::yes),
      txn.database("tls-reached", Create::yes),    txn.database("devices", Create::yes),
      txn.database("device-hosts", Create::yes),   txn.database("device-principals", Create::yes),
      txn.database("device-history", Create::yes), txn.database("limit-uses", Create::yes),
      txn.database("device-reports", Create::yes)};
  begin_format(txn, tables);
  verify(txn, tables);
  txn.commit();
  return Directory{std::move(env), tables};
}

}  // namespace mailroom::state
