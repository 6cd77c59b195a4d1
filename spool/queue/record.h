// The records of the queue's log, as values and as bytes.  Pure; format.md is the same for people.
//
// A segment file is a header and records, each beginning at a multiple of 8 octets:
//
//   segment header  40 octets: "MRQUEUE4", u64 number, 16 octets seed, u64 check
//   record          40 octets: "MRQR", u32 meta length, u64 content length, u64 queue id, u64 meta check,
//                   u64 check
//                   meta: one Record of the list below, written by libcommon/ipc/codec.h
//                   content: the message as received, in wire form; only after Accepted
//                   zeros up to a multiple of 8
//
// A record's check is the beginning of the SHA-256 of seed, offset and the header before it; the meta check
// that of seed and meta.  The seed is secret and differs from segment to segment, so bytes inside a message
// never pass for a record, wherever a search for the next record after damage may lead.  The content has its
// own SHA-256 in Accepted, verified when it is read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "spool/queue/envelope.h"
#include "spool/queue/queue_id.h"

namespace mailroom::queue {

using Seed = std::array<std::uint8_t, 16>;
using Check = std::uint64_t;
using SegmentNumber = std::uint32_t;
using Microseconds = std::uint64_t;  // since 1970

inline constexpr std::size_t kSegmentHeaderSize = 40;
inline constexpr std::size_t kRecordHeaderSize = 40;
inline constexpr std::size_t kRecordAlignment = 8;
// An envelope with thousands of recipients fits; what claims to be longer is damage.
inline constexpr std::uint32_t kMaxMetaLength = 8 * 1024 * 1024;
// Longer content is always in a file of its own.
inline constexpr std::uint64_t kMaxInlineContent = 16 * 1024 * 1024;

// First record of each segment.  Where the segment before it ends: what follows there was never acknowledged,
// or was answered with a failure, and is not read again.
struct SegmentStart {
  SegmentNumber oldest = 0;    // segments before this one are gone, even if a crash brings back their names
  SegmentNumber previous = 0;  // 0: there is none
  std::uint64_t previous_end = 0;
  Seed previous_seed{};  // so that damage to the first sector of a segment costs nothing
  static auto fields(auto& m) { return std::tie(m.oldest, m.previous, m.previous_end, m.previous_seed); }
};

// A message.  Written again, with its progress so far, when it is copied forward; the later record counts.
template <typename LaidOutEnvelope>
struct AcceptedWith {
  Microseconds arrived = 0;
  std::uint64_t content_length = 0;
  std::array<std::uint8_t, 32> content_hash{};
  bool content_in_file = false;  // in content/ID, and not behind this record
  LaidOutEnvelope envelope;
  Progress progress;
  static auto fields(auto& m) {
    return std::tie(m.arrived, m.content_length, m.content_hash, m.content_in_file, m.envelope, m.progress);
  }
};

using Accepted = AcceptedWith<Envelope>;

// How envelopes were laid out in segments "MRQUEUE2" and "MRQUEUE3".  decode_meta() makes an Accepted of such
// a record; nothing writes it.
struct EnvelopeOfLayout2 {
  std::uint64_t connection = 0;
  std::string submitter;
  std::string reverse_path;
  std::string envid;
  std::uint8_t body = 0;
  std::uint8_t ret = 0;
  bool smtputf8 = false;
  bool requiretls = false;
  std::vector<EnvelopeRecipient> recipients;
  std::vector<Target> targets;
  static auto fields(auto& m) {
    return std::tie(m.connection, m.submitter, m.reverse_path, m.envid, m.body, m.ret, m.smtputf8,
                    m.requiretls, m.recipients, m.targets);
  }
};
using AcceptedOfLayout2 = AcceptedWith<EnvelopeOfLayout2>;
struct EnvelopeOfLayout3 {
  std::uint64_t connection = 0;
  std::string submitter;
  std::string reverse_path;
  std::string envid;
  std::uint8_t body = 0;
  std::uint8_t ret = 0;
  bool smtputf8 = false;
  routing::SenderTls tls = routing::SenderTls::unspecified;
  std::string device;
  std::vector<EnvelopeRecipient> recipients;
  std::vector<Target> targets;
  static auto fields(auto& m) {
    return std::tie(m.connection, m.submitter, m.reverse_path, m.envid, m.body, m.ret, m.smtputf8, m.tls,
                    m.device, m.recipients, m.targets);
  }
};
using AcceptedOfLayout3 = AcceptedWith<EnvelopeOfLayout3>;

// What an attempt of some parts of a message came to.
struct Attempted {
  std::vector<std::uint32_t> parts;
  PartProgress progress;                // of each of them
  std::vector<std::uint32_t> finished;  // numbers of the targets that need no more attempts
  std::vector<TargetAnswer>
      answers;  // about others of these parts: they replace what was known of these parts
  static auto fields(auto& m) { return std::tie(m.parts, m.progress, m.finished, m.answers); }
};

struct Finished {  // every target has been served
  static auto fields(auto&) { return std::tie(); }
};
struct Held {  // no attempts until released
  std::string problem;
  static auto fields(auto& m) { return std::tie(m.problem); }
};
struct Released {
  static auto fields(auto&) { return std::tie(); }
};
struct Removed {  // by an operator
  static auto fields(auto&) { return std::tie(); }
};

struct Warned {  // the sender has heard of the delay
  static auto fields(auto&) { return std::tie(); }
};

// Targets that have the message, and need no more attempts, of which the sender is still to be told.  The
// debt is settled by the Attempted that finishes them: along with the report, or when there is nobody to
// tell.  Of a target that is finished already it says nothing, so that one that is written late brings no
// debt back.
struct Owed {
  std::vector<OwedReport> reports;
  static auto fields(auto& m) { return std::tie(m.reports); }
};

// Ends a batch: all of it was handed to one sync.
struct Commit {
  std::uint64_t batch_start = 0;
  std::uint32_t records = 0;  // without this one
  static auto fields(auto& m) { return std::tie(m.batch_start, m.records); }
};

// Takes the place, header, content and all, of what recovery found damaged and copied to quarantine/.
struct Void {
  static auto fields(auto&) { return std::tie(); }
};

// The order is part of the format.
using Record = std::variant<SegmentStart, AcceptedOfLayout2, Attempted, Finished, Held, Released, Removed,
                            Commit, Void, Warned, AcceptedOfLayout3, Owed, Accepted>;

struct RecordHeader {
  std::uint32_t meta_length = 0;
  std::uint64_t content_length = 0;
  Id id = 0;  // 0 for SegmentStart and Commit
  Check meta_check = 0;

  // With header, meta, content and padding.
  std::uint64_t size() const;
  std::uint64_t content_offset() const { return kRecordHeaderSize + meta_length; }
};

struct SegmentHeader {
  SegmentNumber number = 0;
  Seed seed{};
};

std::string encode_segment_header(const SegmentHeader& header);
std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);
// A whole header, by its check, of a segment whose records have a layout that is not known here.
bool is_of_another_version(std::string_view bytes);

// Appends header and meta of the record that will begin at `offset` of its segment; returns its header.
RecordHeader encode_record(std::string& out, const Seed& seed, std::uint64_t offset, Id id,
                           const Record& record, std::uint64_t content_length);

// The same with a meta that is encoded already, or that a test has made up.
RecordHeader encode_record_of_meta(std::string& out, const Seed& seed, std::uint64_t offset, Id id,
                                   std::string_view meta, std::uint64_t content_length = 0);

// Appends header and meta of a Void record that, written at `offset`, covers `length` octets (a multiple of
// kRecordAlignment, at least kRecordHeaderSize + kRecordAlignment, at most kMaxInlineContent).
void encode_void(std::string& out, const Seed& seed, std::uint64_t offset, Id id, std::uint64_t length);

// The zeros that follow the content.
std::string_view padding_after(const RecordHeader& header);

// The header in the first kRecordHeaderSize octets of `bytes`, if it is whole and was written for this place.
std::optional<RecordHeader> decode_record_header(std::string_view bytes, const Seed& seed,
                                                 std::uint64_t offset);

// The record whose header is `header`, if `meta` is whole; never one of an earlier layout.
std::optional<Record> decode_meta(const RecordHeader& header, std::string_view meta, const Seed& seed);

// "segment-0000002a" and back.
std::string segment_file_name(SegmentNumber number);
std::optional<SegmentNumber> parse_segment_file_name(std::string_view name);

}  // namespace mailroom::queue
