#include "spool/queue/record.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include "libcommon/ipc/codec.h"
#include "libcommon/tls/digest.h"

namespace mailroom::queue {
namespace {

constexpr std::array<char, 8> kSegmentMagic = {'M', 'R', 'Q', 'U', 'E', 'U', 'E', '4'};
// Read, and never written: they have no Owed, and another Accepted.
constexpr std::string_view kEarlierMagics[] = {"MRQUEUE2", "MRQUEUE3"};
constexpr std::array<char, 4> kRecordMagic = {'M', 'R', 'Q', 'R'};
constexpr std::string_view kSegmentPrefix = "segment-";

std::string_view octets(const auto& array) {
  return {reinterpret_cast<const char*>(array.data()), array.size()};
}

template <std::size_t N>
void put(std::string& out, const std::array<char, N>& bytes) {
  out.append(bytes.data(), N);
}

Check begin_of(const Sha256Digest& digest) {
  Check check;
  std::memcpy(&check, digest.data(), sizeof check);
  return check;
}

Check header_check(std::string_view before, const Seed& seed, std::uint64_t offset) {
  static thread_local Sha256 hash;
  hash.update(octets(seed));
  hash.update({reinterpret_cast<const char*>(&offset), sizeof offset});
  hash.update(before);
  return begin_of(hash.finish());
}

Check meta_check(std::string_view meta, const Seed& seed) {
  static thread_local Sha256 hash;
  hash.update(octets(seed));
  hash.update(meta);
  return begin_of(hash.finish());
}

constexpr std::uint64_t aligned(std::uint64_t size) {
  return (size + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

std::optional<SegmentHeader> decode_header_of_any_version(std::string_view bytes) {
  constexpr std::size_t kBefore = kSegmentHeaderSize - sizeof(Check);
  if (bytes.size() < kSegmentHeaderSize) return {};
  ipc::Decoder decoder{bytes.substr(kSegmentMagic.size(), kSegmentHeaderSize - kSegmentMagic.size())};
  std::uint64_t number = 0;
  SegmentHeader header;
  Check check = 0;
  if (!decoder.get(number) || !decoder.get(header.seed) || !decoder.get(check)) return {};
  if (check != begin_of(sha256(bytes.substr(0, kBefore))) || number > UINT32_MAX) return {};
  header.number = static_cast<SegmentNumber>(number);
  return header;
}

bool is_known(std::string_view header) {
  return header.starts_with(octets(kSegmentMagic)) ||
         std::ranges::any_of(kEarlierMagics,
                             [&](std::string_view magic) { return header.starts_with(magic); });
}

EnvelopeOfLayout3 next_layout(EnvelopeOfLayout2&& envelope) {
  using routing::SenderTls;
  return {.connection = envelope.connection,
          .submitter = std::move(envelope.submitter),
          .reverse_path = std::move(envelope.reverse_path),
          .envid = std::move(envelope.envid),
          .body = envelope.body,
          .ret = envelope.ret,
          .smtputf8 = envelope.smtputf8,
          .tls = envelope.requiretls ? SenderTls::required : SenderTls::unspecified,
          .device = {},
          .recipients = std::move(envelope.recipients),
          .targets = std::move(envelope.targets)};
}

Envelope next_layout(EnvelopeOfLayout3&& envelope) {
  return {.connection = envelope.connection,
          .submitter = std::move(envelope.submitter),
          .reverse_path = std::move(envelope.reverse_path),
          .envid = std::move(envelope.envid),
          .body = envelope.body,
          .ret = envelope.ret,
          .smtputf8 = envelope.smtputf8,
          .tls = envelope.tls,
          .device = std::move(envelope.device),
          .stranger = {},
          .recipients = std::move(envelope.recipients),
          .targets = std::move(envelope.targets),
          .looping = {}};
}

template <typename Old>
auto next_layout(AcceptedWith<Old>&& old) {
  return AcceptedWith<decltype(next_layout(std::move(old.envelope)))>{
      .arrived = old.arrived,
      .content_length = old.content_length,
      .content_hash = old.content_hash,
      .content_in_file = old.content_in_file,
      .envelope = next_layout(std::move(old.envelope)),
      .progress = std::move(old.progress)};
}

}  // namespace

std::uint64_t RecordHeader::size() const { return aligned(content_offset() + content_length); }

std::string encode_segment_header(const SegmentHeader& header) {
  std::string out;
  put(out, kSegmentMagic);
  ipc::Encoder encoder{out};
  encoder.put(static_cast<std::uint64_t>(header.number));
  encoder.put(header.seed);
  encoder.put(begin_of(sha256(out)));
  return out;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (!is_known(bytes)) return {};
  return decode_header_of_any_version(bytes);
}

bool is_of_another_version(std::string_view bytes) {
  constexpr std::size_t kVersion = 1;  // octet at the end of the magic
  const std::string_view name = octets(kSegmentMagic).substr(0, kSegmentMagic.size() - kVersion);
  return bytes.starts_with(name) && !is_known(bytes) && decode_header_of_any_version(bytes).has_value();
}

RecordHeader encode_record(std::string& out, const Seed& seed, std::uint64_t offset, Id id,
                           const Record& record, std::uint64_t content_length) {
  return encode_record_of_meta(out, seed, offset, id, ipc::encode(record), content_length);
}

RecordHeader encode_record_of_meta(std::string& out, const Seed& seed, std::uint64_t offset, Id id,
                                   std::string_view meta, std::uint64_t content_length) {
  const RecordHeader header{static_cast<std::uint32_t>(meta.size()), content_length, id,
                            meta_check(meta, seed)};
  const std::size_t begin = out.size();
  put(out, kRecordMagic);
  ipc::Encoder encoder{out};
  encoder.put(header.meta_length);
  encoder.put(header.content_length);
  encoder.put(header.id);
  encoder.put(header.meta_check);
  encoder.put(header_check(std::string_view{out}.substr(begin), seed, offset));
  out.append(meta);
  return header;
}

void encode_void(std::string& out, const Seed& seed, std::uint64_t offset, Id id, std::uint64_t length) {
  constexpr std::size_t kMeta = 1;  // the index of an alternative without members
  const RecordHeader header =
      encode_record(out, seed, offset, id, Void{}, length - kRecordHeaderSize - kMeta);
  if (header.size() != length) throw std::logic_error("a Void record of another size");
}

std::string_view padding_after(const RecordHeader& header) {
  static constexpr char kZeros[kRecordAlignment] = {};
  return {kZeros, header.size() - header.content_offset() - header.content_length};
}

std::optional<RecordHeader> decode_record_header(std::string_view bytes, const Seed& seed,
                                                 std::uint64_t offset) {
  constexpr std::size_t kBefore = kRecordHeaderSize - sizeof(Check);
  if (bytes.size() < kRecordHeaderSize || !bytes.starts_with(octets(kRecordMagic))) return {};
  ipc::Decoder decoder{bytes.substr(kRecordMagic.size(), kRecordHeaderSize - kRecordMagic.size())};
  RecordHeader header;
  Check check = 0;
  if (!decoder.get(header.meta_length) || !decoder.get(header.content_length) || !decoder.get(header.id) ||
      !decoder.get(header.meta_check) || !decoder.get(check))
    return {};
  if (header.meta_length > kMaxMetaLength || header.content_length > kMaxInlineContent) return {};
  if (check != header_check(bytes.substr(0, kBefore), seed, offset)) return {};
  return header;
}

std::optional<Record> decode_meta(const RecordHeader& header, std::string_view meta, const Seed& seed) {
  if (meta.size() != header.meta_length || header.meta_check != meta_check(meta, seed)) return {};
  auto record = ipc::decode<Record>(meta);
  if (!record) return {};
  if (auto* old = std::get_if<AcceptedOfLayout2>(&*record)) return next_layout(next_layout(std::move(*old)));
  if (auto* old = std::get_if<AcceptedOfLayout3>(&*record)) return next_layout(std::move(*old));
  return record;
}

std::string segment_file_name(SegmentNumber number) {
  return fmt::format("{}{:08x}", kSegmentPrefix, number);
}

std::optional<SegmentNumber> parse_segment_file_name(std::string_view name) {
  if (!name.starts_with(kSegmentPrefix) || name.size() != kSegmentPrefix.size() + 8) return {};
  SegmentNumber number = 0;
  for (const char c : name.substr(kSegmentPrefix.size())) {
    const std::size_t digit = std::string_view{"0123456789abcdef"}.find(c);
    if (digit == std::string_view::npos) return {};
    number = number << 4 | static_cast<SegmentNumber>(digit);
  }
  return number;
}

}  // namespace mailroom::queue
