// What is known of the transport to other domains: MTA-STS policies, and what came of TLS.
#include "spool/state/directory.h"
#include "spool/state/record.h"

namespace mailroom::state {
namespace {

std::string result_key(std::uint32_t day, std::string_view domain) {
  std::string key;
  lmdb::append_key(key, day);
  return key.append(domain);
}

}  // namespace

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

std::vector<TlsResult> View::tls_results() const {
  std::vector<TlsResult> found;
  lmdb::Cursor cursor{txn_, tables_.tls_results};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    auto result = decode_record<TlsResult>(cursor.key(), cursor.value());
    if (!result) throw Damaged("a TLS result of the shared state is damaged");
    found.push_back(std::move(*result));
  }
  return found;
}

void Update::put_tls_result(const TlsResult& result) {
  const std::string key = result_key(result.day, result.domain);
  txn_.put(tables_.tls_results, key, encode_record(key, result));
}

void Update::erase_tls_result(std::uint32_t day, std::string_view domain) {
  txn_.erase(tables_.tls_results, result_key(day, domain));
}

}  // namespace mailroom::state
