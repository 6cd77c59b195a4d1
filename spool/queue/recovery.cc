#include "spool/queue/recovery.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "libcommon/tls/digest.h"
#include "spool/queue/file_source.h"
#include "spool/queue/segment_scan.h"

namespace mailroom::queue {
namespace {

constexpr std::size_t kCopyUnit = 256 * 1024;

struct Failure {
  std::string text;
};

[[noreturn]] void fail(const std::string& what, const std::string& name, Errno error) {
  throw Failure{fmt::format("{} {}: {}", what, name, std::strerror(error))};
}

void require(Errno error, const std::string& what, const std::string& name) {
  if (error != 0) fail(what, name, error);
}

// A segment file before its records are read.
struct Candidate {
  std::shared_ptr<File> file;
  std::optional<SegmentHeader> header;
  std::optional<SegmentStart> start;  // of a committed first batch
  std::uint64_t end = 0;
};

class Recovery {
 public:
  explicit Recovery(Storage& storage) : storage_{storage} {}

  Recovered run() {
    open_segments();
    read_starts();
    drop_segments_before_oldest();
    for (auto& [number, candidate] : candidates_) read_records(number, candidate);
    settle_last_batch();
    sync_newest();
    sort_out_content();
    return std::move(out_);
  }

 private:
  void open_segments() {
    const auto names = storage_.list(kTopDirectory);
    if (!names) fail("list", kTopDirectory, names.error());
    for (const std::string& name : *names) {
      const auto number = parse_segment_file_name(name);
      if (!number) continue;
      auto file = storage_.open(name);
      if (!file) fail("open", name, file.error());
      Candidate& candidate = candidates_[*number];
      candidate.file = std::move(*file);
      FileSource source{*candidate.file};
      const std::string_view head = source.read(0, kSegmentHeaderSize);
      // Read by this layout it would be empty, and go.
      if (is_of_another_version(head))
        throw Failure{name + " is of another version of this program, which must empty the queue first"};
      candidate.header = decode_segment_header(head);
      if (candidate.header && candidate.header->number != *number) candidate.header.reset();
      candidate.end = source.size();
      out_.highest_number = std::max(out_.highest_number, *number);
    }
  }

  // From the newest to the oldest: each segment tells where the one before it ends, and its seed.
  void read_starts() {
    for (auto at = candidates_.rbegin(); at != candidates_.rend(); ++at) {
      at->second.start = committed_start(at->second);
      if (!at->second.start || at->second.start->previous == 0) continue;
      const auto previous = candidates_.find(at->second.start->previous);
      if (previous == candidates_.end()) continue;
      previous->second.end = std::min(previous->second.end, at->second.start->previous_end);
      if (!previous->second.header)
        repair_header(previous->first, previous->second, at->second.start->previous_seed);
    }
  }

  void repair_header(SegmentNumber number, Candidate& candidate, const Seed& seed) {
    keep_copy(number, {0, kSegmentHeaderSize}, "segment header", *candidate.file);
    candidate.header = SegmentHeader{number, seed};
    write_over(*candidate.file, encode_segment_header(*candidate.header), 0);
  }

  static std::optional<SegmentStart> committed_start(const Candidate& candidate) {
    if (!candidate.header) return {};
    FileSource source{*candidate.file};
    const auto record = scan_record(source, candidate.header->seed, kSegmentHeaderSize);
    if (!record) return {};
    const auto* start = std::get_if<SegmentStart>(&record->record);
    if (start == nullptr) return {};
    bool committed = false;
    scan_segment(source, candidate.header->seed, candidate.end, [&](ScannedBatch&&) {
      committed = true;
      return false;
    });
    if (!committed) return {};
    return *start;
  }

  void drop_segments_before_oldest() {
    SegmentNumber oldest = 0;
    for (const auto& [number, candidate] : candidates_)
      if (candidate.start) oldest = std::max(oldest, candidate.start->oldest);
    while (!candidates_.empty() && candidates_.begin()->first < oldest) {
      const std::string name = segment_file_name(candidates_.begin()->first);
      require(storage_.remove(name), "remove", name);
      candidates_.erase(candidates_.begin());
    }
  }

  void read_records(SegmentNumber number, Candidate& candidate) {
    if (!candidate.header) return set_segment_aside(number, candidate, "unreadable segment");
    FileSource source{*candidate.file};
    const Segment segment{candidate.file, candidate.header->seed, 0};
    const std::uint64_t end = scan_segment(source, segment.seed, candidate.end, [&](ScannedBatch&& batch) {
      settle(std::exchange(last_batch_, LastBatch{number, std::move(batch)}));
      return true;
    });
    out_.cut_octets += candidate.file->size() - end;
    if (end == kSegmentHeaderSize) {
      const std::string name = segment_file_name(number);
      return require(storage_.remove(name), "remove", name);
    }
    out_.segments[number] = {segment.file, segment.seed, end};
  }

  // Nothing of it can be read.  An empty file is one whose first batch was never written.
  void set_segment_aside(SegmentNumber number, const Candidate& candidate, const std::string& why) {
    const std::string name = segment_file_name(number);
    if (candidate.file->size() == 0) return require(storage_.remove(name), "remove", name);
    out_.damage.push_back({name, 0, candidate.file->size(), why});
    const auto free = free_copy_name(fmt::format("{}/{}", kQuarantineDirectory, name), {}, nullptr);
    require(storage_.rename(name, *free), "rename", name);
    require(storage_.sync_directory(kQuarantineDirectory), "sync", kQuarantineDirectory);
  }

  struct LastBatch {
    SegmentNumber number = 0;
    ScannedBatch batch;
  };

  void settle(LastBatch&& last) {
    if (last.number == 0) return;
    for (const DamagedRange& range : last.batch.damaged) set_aside(last.number, range, 0, "damaged records");
    for (const ScannedRecord& record : last.batch.records) {
      ++out_.records;
      out_.index.apply({make_place(last.number, record.offset), record.header.size(), record.header.id},
                       record.record);
    }
  }

  // A power cut may have kept a commit and lost what was written before it.  Nobody was told of such a batch,
  // so its incomplete messages are set aside, each with the status that may have been written along with it.
  void settle_last_batch() {
    LastBatch last = std::exchange(last_batch_, {});
    if (last.number == 0) return;
    File& file = *candidates_.at(last.number).file;
    std::set<std::uint64_t> behind;  // where ends what is not whole
    for (const DamagedRange& range : last.batch.damaged) behind.insert(range.offset + range.length);
    std::erase_if(last.batch.records, [&](const ScannedRecord& record) {
      const auto* accepted = std::get_if<Accepted>(&record.record);
      const bool is_whole = accepted != nullptr ? content_is_whole(file, record, *accepted)
                                                : !is_along(record.record) || !behind.contains(record.offset);
      if (is_whole) return false;
      if (accepted != nullptr) behind.insert(record.offset + record.header.size());
      set_aside(last.number, {record.offset, record.header.size()},
                accepted != nullptr ? record.header.id : 0, "incomplete message in the last batch");
      return true;
    });
    settle(std::move(last));
  }

  // What Queue::accept() writes along with a message.
  static bool is_along(const Record& record) {
    return std::holds_alternative<Attempted>(record) || std::holds_alternative<Warned>(record);
  }

  bool content_is_whole(File& segment, const ScannedRecord& record, const Accepted& accepted) {
    if (!accepted.content_in_file)
      return hash_of(segment, record.offset + record.header.content_offset(), accepted.content_length) ==
             accepted.content_hash;
    const auto file = storage_.open(fmt::format("{}/{}", kContentDirectory, id_text(record.header.id)));
    return file && (*file)->size() == accepted.content_length;
  }

  static Sha256Digest hash_of(File& file, std::uint64_t offset, std::uint64_t length) {
    Sha256 hash;
    std::vector<char> buffer(kCopyUnit);
    while (length > 0) {
      const std::span<char> into{buffer.data(),
                                 static_cast<std::size_t>(std::min<std::uint64_t>(length, kCopyUnit))};
      const auto got = file.read(into, offset);
      if (!got || *got != into.size()) return {};
      hash.update({into.data(), into.size()});
      offset += into.size();
      length -= into.size();
    }
    return hash.finish();
  }

  // Reports the range, and has it neither reported nor read again.
  void set_aside(SegmentNumber number, DamagedRange range, Id id, const std::string& what) {
    const Candidate& candidate = candidates_.at(number);
    keep_copy(number, range, what, *candidate.file);
    out_.index.apply({make_place(number, range.offset), range.length, id}, Void{});
    while (range.length >= kRecordHeaderSize + kRecordAlignment) {
      const std::uint64_t rest = range.length > kMaxInlineContent ? range.length - kMaxInlineContent / 2 : 0;
      std::string bytes;
      encode_void(bytes, candidate.header->seed, range.offset, id, range.length - rest);
      write_over(*candidate.file, bytes, range.offset);
      range = {range.offset + range.length - rest, rest};
    }
  }

  // A medium that refuses it only makes the next start report the same again.
  static void write_over(File& file, const std::string& bytes, std::uint64_t offset) {
    if (file.write(std::array{std::string_view{bytes}}, offset) == 0) (void)file.sync();
  }

  void keep_copy(SegmentNumber number, DamagedRange range, const std::string& what, File& file) {
    const std::string name = segment_file_name(number);
    out_.damage.push_back({name, range.offset, range.length, what});
    const std::string copy = fmt::format("{}/{}-{:x}", kQuarantineDirectory, name, range.offset);
    FileSource source{file};
    const auto free = free_copy_name(copy, range, &source);
    if (!free) return;
    const std::string unfinished = copy + ".new";
    (void)storage_.remove(unfinished);  // of a start that was interrupted
    auto kept = storage_.create(unfinished);
    if (!kept) fail("create", unfinished, kept.error());
    for_each_piece(range, source, [&](std::uint64_t at, std::string_view bytes) {
      require((*kept)->write(std::array{bytes}, at), "write", unfinished);
      return true;
    });
    require((*kept)->sync(), "sync", unfinished);
    require(storage_.rename(unfinished, *free), "rename", *free);
    require(storage_.sync_directory(kQuarantineDirectory), "sync", kQuarantineDirectory);
  }

  // The name for a copy: with a number behind it where there is another of that name, as numbers of segments
  // begin anew.  Nothing when there is a copy of this range of the source.
  std::optional<std::string> free_copy_name(const std::string& copy, DamagedRange range, FileSource* source) {
    for (unsigned number = 0;; ++number) {
      const std::string name = number == 0 ? copy : fmt::format("{}.{}", copy, number);
      const auto there = storage_.open(name);
      if (!there && there.error() == ENOENT) return name;
      if (!there) fail("open", name, there.error());
      if (source != nullptr && is_copy(**there, range, *source)) return {};
    }
  }

  static bool is_copy(File& copy, DamagedRange range, FileSource& source) {
    std::string buffer(kCopyUnit, '\0');
    return copy.size() == range.length &&
           for_each_piece(range, source, [&](std::uint64_t at, std::string_view bytes) {
             const auto got = copy.read({buffer.data(), bytes.size()}, at);
             return got && std::string_view{buffer.data(), *got} == bytes;
           });
  }

  // Until `take(offset within the range, bytes)` returns false; whether it never did.
  template <typename Take>
  static bool for_each_piece(DamagedRange range, FileSource& source, Take&& take) {
    for (std::uint64_t at = 0; at < range.length; at += kCopyUnit) {
      const auto size = std::min<std::uint64_t>(kCopyUnit, range.length - at);
      if (!take(at, source.read(range.offset + at, size))) return false;
    }
    return true;
  }

  // What a killed process had written and not synced would otherwise be delivered, then lost with the power,
  // and its id be forgotten.
  void sync_newest() {
    if (!out_.segments.empty()) {
      auto& [number, segment] = *out_.segments.rbegin();
      const std::string name = segment_file_name(number);
      if (segment.file->size() > segment.end) require(segment.file->truncate(segment.end), "truncate", name);
      require(segment.file->sync(), "sync", name);
    }
    require(storage_.sync_directory(kTopDirectory), "sync", kTopDirectory);
  }

  // Removes the content of messages that were never accepted.  With damage in the log it might belong to a
  // message that was, and is kept aside.
  void sort_out_content() {
    const auto names = storage_.list(kContentDirectory);
    if (!names) fail("list", kContentDirectory, names.error());
    for (const std::string& name : *names) {
      const auto id = parse_id(name);
      const Entry* entry = id ? out_.index.find(*id) : nullptr;
      if (entry != nullptr && entry->content_in_file) continue;
      ++out_.orphans;
      const std::string path = fmt::format("{}/{}", kContentDirectory, name);
      if (out_.damage.empty())
        require(storage_.remove(path), "remove", path);
      else
        require(storage_.rename(path, fmt::format("{}/{}", kQuarantineDirectory, name)), "rename", path);
    }
  }

  Storage& storage_;
  std::map<SegmentNumber, Candidate> candidates_;
  LastBatch last_batch_;
  Recovered out_;
};

}  // namespace

std::expected<Recovered, std::string> recover(Storage& storage) {
  try {
    return Recovery{storage}.run();
  } catch (const Failure& failure) {
    return std::unexpected(failure.text);
  }
}

}  // namespace mailroom::queue
