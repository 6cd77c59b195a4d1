#include "spool/queue/segment_scan.h"

#include <algorithm>
#include <utility>

namespace mailroom::queue {
namespace {

std::optional<RecordHeader> scan_header(ByteSource& source, const Seed& seed, std::uint64_t offset) {
  return decode_record_header(source.read(offset, kRecordHeaderSize), seed, offset);
}

std::optional<Record> scan_meta(ByteSource& source, const Seed& seed, std::uint64_t offset,
                                const RecordHeader& header) {
  return decode_meta(header, source.read(offset + kRecordHeaderSize, header.meta_length), seed);
}

class Scan {
 public:
  Scan(ByteSource& source, const Seed& seed, std::uint64_t end) : source_{source}, seed_{seed}, end_{end} {}

  std::uint64_t run(const OnBatch& on_batch) {
    batch_.start = offset_;
    while (auto record = next()) {
      if (std::holds_alternative<Commit>(record->record)) {
        committed_ = offset_;
        if (!on_batch(std::exchange(batch_, ScannedBatch{.start = offset_}))) break;
      } else {
        batch_.records.push_back(std::move(*record));
      }
    }
    return committed_;
  }

 private:
  // The next whole record; notes the damage passed over on the way.
  std::optional<ScannedRecord> next() {
    const std::uint64_t begin = offset_;
    while (offset_ + kRecordHeaderSize <= end_) {
      const auto header = scan_header(source_, seed_, offset_);
      if (!header || offset_ + header->size() > end_) {
        offset_ += kRecordAlignment;
        continue;
      }
      const std::uint64_t at = std::exchange(offset_, offset_ + header->size());
      auto record = scan_meta(source_, seed_, at, *header);
      if (!record) continue;
      if (at != begin) batch_.damaged.push_back({begin, at - begin});
      return ScannedRecord{at, *header, std::move(*record)};
    }
    return {};
  }

  ByteSource& source_;
  const Seed& seed_;
  std::uint64_t end_;
  std::uint64_t offset_ = kSegmentHeaderSize;
  std::uint64_t committed_ = kSegmentHeaderSize;
  ScannedBatch batch_;
};

}  // namespace

std::optional<ScannedRecord> scan_record(ByteSource& source, const Seed& seed, std::uint64_t offset) {
  const auto header = scan_header(source, seed, offset);
  if (!header) return {};
  auto record = scan_meta(source, seed, offset, *header);
  if (!record) return {};
  return ScannedRecord{offset, *header, std::move(*record)};
}

std::uint64_t scan_segment(ByteSource& source, const Seed& seed, std::uint64_t end, const OnBatch& on_batch) {
  return Scan{source, seed, end}.run(on_batch);
}

}  // namespace mailroom::queue
