// A segment file of the queue: whatever a disk gives back, it is read without harm, and what it says is taken
// in.
#include <algorithm>
#include <cstdint>

#include "libcommon/ipc/codec.h"
#include "spool/queue/index.h"
#include "spool/queue/segment_scan.h"

namespace {

using namespace mailroom::queue;

class Input : public ByteSource {
 public:
  explicit Input(std::string_view bytes) : bytes_{bytes} {}
  std::string_view read(std::uint64_t offset, std::size_t length) override {
    return offset >= bytes_.size() ? std::string_view{} : bytes_.substr(offset, length);
  }

 private:
  std::string_view bytes_;
};

// Gives records right checks, so that the fuzzer gets behind them: input is a list of u8 kind, u8 id, u16
// length, meta.
std::string built(std::string_view input) {
  const Seed seed{};
  std::string out(kSegmentHeaderSize, '\0');
  while (input.size() >= 4) {
    const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(input[i]); };
    const std::size_t length = std::min<std::size_t>(octet(2) | octet(3) << 8, input.size() - 4);
    if (octet(0) % 4 == 0) {
      encode_record(out, seed, out.size(), 0, Commit{}, 0);
    } else {
      encode_record_of_meta(out, seed, out.size(), octet(1), input.substr(4, length));
    }
    out.resize((out.size() + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment);
    input.remove_prefix(4 + length);
  }
  return out;
}

void take_in(std::string_view segment) {
  Input source{segment};
  Index index;
  std::uint64_t last = 0;
  const std::uint64_t end = scan_segment(source, Seed{}, segment.size(), [&](ScannedBatch&& batch) {
    for (const auto& record : batch.records) {
      if (record.offset < last || record.offset + record.header.size() > segment.size()) __builtin_trap();
      last = record.offset + record.header.size();
      index.apply({make_place(1, record.offset), record.header.size(), record.header.id}, record.record);
    }
    for (const auto& range : batch.damaged)
      if (range.offset + range.length > segment.size()) __builtin_trap();
    return true;
  });
  if (end > segment.size() && end != kSegmentHeaderSize) __builtin_trap();
  for (const auto& [id, entry] : index.entries())
    if (!scan_record(source, Seed{}, entry.accepted.offset())) __builtin_trap();
  for (const auto& [id, owed] : index.owed()) {
    const Entry* entry = index.find(id);
    if (entry == nullptr || owed.empty()) __builtin_trap();
    for (const auto& [target, report] : owed)
      if (!std::ranges::binary_search(entry->finished, target)) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  take_in(input);
  take_in(built(input));
  (void)decode_segment_header(input);
  if (const auto record = mailroom::ipc::decode<Record>(input);
      record && mailroom::ipc::encode(*record) != input)
    __builtin_trap();
  return 0;
}
