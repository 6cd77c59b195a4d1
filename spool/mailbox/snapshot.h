// The snapshot of an index: what a lost index is rebuilt from.  Small (no summaries), checksummed,
// independent of LMDB.
//
//   "mailroom-snapshot-1\n", then records: u32 length, u32 CRC-32C of the payload, payload (SnapshotRecord by
//   the codec)
//
// SnapshotBegin comes first, each folder's messages after its SnapshotFolder, SnapshotEnd last.  Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "spool/mailbox/records.h"

namespace mailroom::mailbox {

inline constexpr std::string_view kSnapshotMagic = "mailroom-snapshot-1\n";

class SnapshotWriter {
 public:
  SnapshotWriter() : out_{kSnapshotMagic} {}
  void add(const SnapshotRecord& record);
  // Adds SnapshotEnd.
  void finish() { add(SnapshotEnd{records_}); }
  // What was added since the last call.
  std::string take() { return std::exchange(out_, {}); }
  std::size_t pending() const { return out_.size(); }

 private:
  std::string out_;
  std::uint64_t records_ = 0;
};

// Gives records up to the end or the first damage.
class SnapshotReader {
 public:
  explicit SnapshotReader(std::string_view octets);
  std::optional<SnapshotRecord> next();
  // After next() gave nothing: whether the snapshot was read to its SnapshotEnd and held all its records.
  bool complete() const { return complete_; }

 private:
  std::string_view rest_;
  std::uint64_t records_ = 0;
  bool complete_ = false;
};

}  // namespace mailroom::mailbox
