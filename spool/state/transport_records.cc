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

template <typename Record>
std::vector<Record> all_of(lmdb::Txn& txn, lmdb::Dbi table, const char* damage) {
  std::vector<Record> found;
  lmdb::Cursor cursor{txn, table};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    auto record = decode_record<Record>(cursor.key(), cursor.value());
    if (!record) throw Damaged(damage);
    found.push_back(std::move(*record));
  }
  return found;
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
  return all_of<TlsResult>(txn_, tables_.tls_results, "a TLS result of the shared state is damaged");
}

std::vector<TlsReached> View::tls_reached() const {
  return all_of<TlsReached>(txn_, tables_.tls_reached,
                            "a receiver of reports in the shared state is damaged");
}

void Update::put_tls_result(const TlsResult& result) {
  const std::string key = result_key(result.day, result.domain);
  txn_.put(tables_.tls_results, key, encode_record(key, result));
}

void Update::put_tls_reached(const TlsReached& reached) {
  const std::string key = result_key(reached.day, reached.domain);
  txn_.put(tables_.tls_reached, key, encode_record(key, reached));
}

void Update::erase_tls_result(std::uint32_t day, std::string_view domain) {
  txn_.erase(tables_.tls_results, result_key(day, domain));
  txn_.erase(tables_.tls_reached, result_key(day, domain));
}

}  // namespace mailroom::state
