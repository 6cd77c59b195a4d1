// Reads a segment back: which records count, what is damaged, and where the segment ends.  Pure.
//
// A batch counts when its Commit record is whole.  What follows the last commit is no part of the segment:
// nobody was told that it was accepted.  Damage before a commit is reported and skipped, and the search for
// the next record goes on behind it; nothing that follows is given up.  Content is skipped by its length, not
// read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "spool/queue/record.h"

namespace mailroom::queue {

// The bytes of a segment.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The bytes from `offset`: `length` of them, or fewer where the segment ends.  Valid until the next call.
  // Octets that the medium does not give back read as zeros: damage, not an end.
  virtual std::string_view read(std::uint64_t offset, std::size_t length) = 0;
};

struct ScannedRecord {
  std::uint64_t offset = 0;
  RecordHeader header;
  Record record;
};

struct DamagedRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  auto operator<=>(const DamagedRange&) const = default;
};

// One committed batch.  Commit records are not among the records.
struct ScannedBatch {
  std::uint64_t start = 0;  // of its first record or damaged range
  std::vector<ScannedRecord> records;
  std::vector<DamagedRange> damaged;
};

// Called with each committed batch; returns whether to go on.
using OnBatch = std::function<bool(ScannedBatch&&)>;

// Reads a segment from behind its header up to `end`.  Returns the end of the last committed batch that was
// read (kSegmentHeaderSize when there is none).
std::uint64_t scan_segment(ByteSource& source, const Seed& seed, std::uint64_t end, const OnBatch& on_batch);

// The record at `offset`, or nothing if there is no whole one.  For readers that know the place.
std::optional<ScannedRecord> scan_record(ByteSource& source, const Seed& seed, std::uint64_t offset);

}  // namespace mailroom::queue
