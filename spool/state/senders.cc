// What accounts may send, beyond their own addresses, and the grants of POP-before-SMTP.
#include "libcommon/policy/sender_pattern.h"
#include "spool/state/directory.h"
#include "spool/state/rows.h"

namespace mailroom::state {

std::string grant_key(const IpNetwork& network, AccountId account) {
  std::string key(network.base.bytes.begin(), network.base.bytes.end());
  key += static_cast<char>(network.bits);
  return key + account_key(account);
}

Permissions View::permissions(AccountId id) const {
  return get_record<Permissions>(txn_, tables_.permissions, account_key(id)).value_or(Permissions{});
}

std::vector<Grant> View::grants() const {
  std::vector<Grant> found;
  lmdb::Cursor cursor{txn_, tables_.grants};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    const auto grant = decode_record<Grant>(cursor.key(), cursor.value());
    if (!grant) throw Damaged("a grant of the shared state is damaged");
    found.push_back(*grant);
  }
  return found;
}

std::uint64_t View::latest_time() const {
  return get_record<std::uint64_t>(txn_, tables_.meta, kLatestTimeKey).value_or(0);
}

std::expected<void, Fault> Update::set_permissions(AccountId id, const Permissions& permissions) {
  if (!account(id)) return std::unexpected(Fault::no_such_account);
  if (permissions.send_as.size() > kMaxSendAs) return std::unexpected(Fault::too_many_senders);
  for (const std::string& pattern : permissions.send_as)
    if (policy::canonical_sender_pattern(pattern) != pattern) return std::unexpected(Fault::not_a_sender);
  if (permissions == Permissions{}) {
    txn_.erase(tables_.permissions, account_key(id));
  } else {
    put_record(txn_, tables_.permissions, account_key(id), permissions);
  }
  return {};
}

void Update::put_grant(const Grant& grant) {
  put_record(txn_, tables_.grants, grant_key(grant.network, grant.account), grant);
  note_time(grant.since);
}

void Update::erase_grant(const IpNetwork& network, AccountId account) {
  txn_.erase(tables_.grants, grant_key(network, account));
}

void Update::note_time(std::uint64_t seconds) {
  if (seconds > latest_time()) put_record(txn_, tables_.meta, kLatestTimeKey, seconds);
}

}  // namespace mailroom::state
