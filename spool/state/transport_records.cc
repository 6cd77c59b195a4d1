// What is known of the transport to other domains: MTA-STS policies.
#include "spool/state/directory.h"
#include "spool/state/record.h"

namespace mailroom::state {

std::vector<std::pair<std::string, StsRecord>> View::sts_policies() const {
  std::vector<std::pair<std::string, StsRecord>> found;
  lmdb::Cursor cursor{txn_, tables_.sts_policies};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    auto policy = decode_record<StsRecord>(cursor.key(), cursor.value());
    if (!policy) throw Damaged("an MTA-STS policy of the shared state is damaged");
    found.emplace_back(cursor.key(), std::move(*policy));
  }
  return found;
}

void Update::put_sts_policy(std::string_view domain, const StsRecord& policy) {
  txn_.put(tables_.sts_policies, domain, encode_record(domain, policy));
}

void Update::erase_sts_policy(std::string_view domain) { txn_.erase(tables_.sts_policies, domain); }

}  // namespace mailroom::state
