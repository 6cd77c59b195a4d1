// Rows of the index and snapshots: nothing but what was written decodes, and it encodes to the same octets.
#include <cstdint>
#include <cstdlib>

#include "spool/mailbox/index.h"
#include "spool/mailbox/snapshot.h"

using namespace mailroom;
using namespace mailroom::mailbox;

namespace {

constexpr Uid kUidNext = 10'000'000;  // of a folder that was busy for years

template <typename Row>
void round_trip(std::string_view octets) {
  if (const auto row = ipc::decode<Row>(octets); row && ipc::encode(*row) != octets) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets{reinterpret_cast<const char*>(data), size};
  round_trip<MetaRow>(octets);
  round_trip<FolderRow>(octets);
  round_trip<MessageRow>(octets);
  round_trip<FileRow>(octets);
  round_trip<ExpungeRow>(octets);
  round_trip<SnapshotRecord>(octets);
  UidSet uids;
  try {
    decode_expunges(octets, kUidNext, uids);
  } catch (const CorruptRow&) {
  }
  UidSet set;
  static_cast<void>(set.append_chunk(0, octets.substr(0, UidSet::kChunkOctets)));
  SnapshotReader reader{octets};
  SnapshotWriter writer;
  while (const auto record = reader.next()) writer.add(*record);
  if (!reader.complete()) return 0;
  writer.finish();
  if (writer.take() != octets) std::abort();
  return 0;
}
