#include "spool/mailbox/snapshot.h"

#include "spool/mailbox/checksum.h"

namespace mailroom::mailbox {

void SnapshotWriter::add(const SnapshotRecord& record) {
  const std::string payload = ipc::encode(record);
  ipc::Encoder encoder{out_};
  encoder.put(static_cast<std::uint32_t>(payload.size()));
  encoder.put(checksum(payload));
  out_.append(payload);
  ++records_;
}

SnapshotReader::SnapshotReader(std::string_view octets) {
  if (octets.starts_with(kSnapshotMagic)) rest_ = octets.substr(kSnapshotMagic.size());
}

std::optional<SnapshotRecord> SnapshotReader::next() {
  std::uint32_t length = 0, sum = 0;
  ipc::Decoder decoder{rest_};
  if (!decoder.get(length) || !decoder.get(sum) || length > decoder.rest().size()) return std::nullopt;
  const std::string_view payload = decoder.rest().substr(0, length);
  if (checksum(payload) != sum) return std::nullopt;
  auto record = ipc::decode<SnapshotRecord>(payload);
  if (!record) return std::nullopt;
  rest_ = decoder.rest().substr(length);
  if (const auto* end = std::get_if<SnapshotEnd>(&*record)) {
    complete_ = end->records == records_ && rest_.empty();
    rest_ = {};
    return std::nullopt;
  }
  ++records_;
  return record;
}

}  // namespace mailroom::mailbox
