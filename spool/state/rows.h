// One record of one database, read and written, and lists that go on after a key.  Internal to spool/state.
#pragma once

#include <optional>
#include <string_view>

#include "libcommon/lmdb/lmdb.h"
#include "spool/state/directory.h"
#include "spool/state/record.h"

namespace mailroom::state {

// Throws Damaged when it is not what was written.
template <typename T>
std::optional<T> get_record(const lmdb::Txn& txn, lmdb::Dbi dbi, std::string_view key) {
  const auto bytes = txn.get(dbi, key);
  if (!bytes) return std::nullopt;
  auto value = decode_record<T>(key, *bytes);
  if (!value) throw Damaged("a record of the shared state is damaged");
  return value;
}

template <typename T>
void put_record(lmdb::Txn& txn, lmdb::Dbi dbi, std::string_view key, const T& value) {
  txn.put(dbi, key, encode_record(key, value));
}

// Places the cursor on the first key after `after`; empty: on the first.  False when there is none.
inline bool seek_after(lmdb::Cursor& cursor, std::string_view after) {
  if (!cursor.seek(after)) return false;
  return after.empty() || cursor.key() != after || cursor.next();
}

}  // namespace mailroom::state
