#include "libcommon/protocol/mime/summary.h"

#include <algorithm>
#include <vector>

#include "libcommon/ipc/codec.h"

namespace mailroom::mime {
namespace {

bool ranges_hold(const Part& part, const Part* parent, std::uint64_t size) {
  const std::uint64_t begin = parent == nullptr ? 0 : parent->body_begin;
  const std::uint64_t end = parent == nullptr ? size : parent->body_end;
  return begin <= part.header_begin && part.header_begin <= part.body_begin &&
         part.body_begin <= part.body_end && part.body_end <= end && part.lines <= part.body_size();
}

bool kind_holds(const Part& part) {
  if (part.kind == PartKind::leaf) return part.children.empty();
  if (part.kind == PartKind::message) return part.children.size() == 1;
  return true;
}

// A tree in which every part comes before what it holds, within every limit and range.
bool is_consistent(const Message& message) {
  const auto& parts = message.parts;
  if (parts.empty() || parts.size() > kMaxParts || !ranges_hold(parts.front(), nullptr, message.size))
    return false;
  std::vector<std::size_t> depth(parts.size(), 0);  // 0: nobody's child so far
  depth[0] = 1;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (depth[i] == 0 || depth[i] > kMaxDepth + 1 || !kind_holds(parts[i])) return false;
    for (const std::uint32_t child : parts[i].children) {
      if (child <= i || child >= parts.size() || depth[child] != 0) return false;
      if (!ranges_hold(parts[child], &parts[i], message.size)) return false;
      if (parts[i].kind == PartKind::message && !parts[child].envelope) return false;
      depth[child] = depth[i] + 1;
    }
  }
  return parts.front().envelope.has_value();
}

}  // namespace

std::string encode_summary(const Message& message) {
  std::string blob(1, kSummaryVersion);
  ipc::Encoder(blob).put(message);
  return blob;
}

std::optional<Message> decode_summary(std::string_view blob) {
  if (!blob.starts_with(kSummaryVersion)) return std::nullopt;
  auto message = ipc::decode<Message>(blob.substr(1));
  if (message && !is_consistent(*message)) message.reset();
  return message;
}

}  // namespace mailroom::mime
