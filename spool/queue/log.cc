#include "spool/queue/log.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace mailroom::queue {
namespace {

// Of one batch: bounds the time that a sync takes.
constexpr std::uint64_t kMaxBatchOctets = 16 * 1024 * 1024;
// Header, meta and padding of a record, roughly; only to decide when a segment is full.
constexpr std::uint64_t kTypicalHead = 512;

Seed fresh_seed() {
  Seed seed;
  if (::getrandom(seed.data(), seed.size(), 0) != static_cast<ssize_t>(seed.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  return seed;
}

Outcome outcome_of(Errno error) {
  if (error == 0) return Outcome::durable;
  return error == ENOSPC || error == EDQUOT ? Outcome::no_space : Outcome::failed;
}

std::uint32_t records_of(const Log::Append& append) { return append.along ? 2 : 1; }

std::uint64_t length_of(const SharedContent& content) { return content ? content->length() : 0; }

}  // namespace

// One batch on its way to the disk.
struct Log::Job {
  struct Piece {  // of `heads`, and the content behind it
    std::size_t head_begin;
    RecordHeader header;
    SharedContent content;
  };

  std::vector<Append> appends;
  std::vector<PlacedRecord> placed;  // of each append
  bool creates = false;              // the segment's file
  SegmentNumber number = 0;
  Segment segment;
  std::uint64_t offset = 0;  // where the batch begins (0 with a new segment: at the file's header)
  std::uint64_t end = 0;
  std::string heads;
  std::vector<Piece> pieces;
  Errno error = 0;

  std::vector<std::string_view> parts() const {
    std::vector<std::string_view> out;
    const std::string_view all{heads};
    if (creates) out.push_back(all.substr(0, kSegmentHeaderSize));
    for (const Piece& piece : pieces) {
      out.push_back(all.substr(piece.head_begin, piece.header.content_offset()));
      if (piece.content)
        for (const std::string& bytes : piece.content->pieces()) out.push_back(bytes);
      out.push_back(padding_after(piece.header));
    }
    return out;
  }
};

Log::Log(Storage& storage, Worker& worker, std::uint64_t segment_size, Segments segments,
         SegmentNumber highest_number)
    : storage_{storage}, worker_{worker}, segment_size_{segment_size}, segments_{std::move(segments)},
      last_{segments_.empty() ? 0 : segments_.rbegin()->first}, highest_{highest_number} {}

void Log::append(Append&& append) {
  open_.push_back(std::move(append));
  start();
}

void Log::append_first(Append&& append) { open_.insert(open_.begin(), std::move(append)); }

std::uint64_t Log::octets() const {
  std::uint64_t sum = 0;
  for (const auto& [number, segment] : segments_) sum += segment.end;
  return sum;
}

void Log::start() {
  if (busy_) return;
  busy_ = true;  // before_batch_ may append
  before_batch_();
  if (open_.empty()) {
    busy_ = false;
    return;
  }
  auto job = std::make_shared<Job>();
  if (broken()) {
    job->appends = std::exchange(open_, {});
    job->placed.resize(job->appends.size());
    job->error = EIO;
    worker_.run([] {}, [this, job] { ended(*job); });
    return;
  }
  make_batch(*job);
  worker_.run([this, job] { write(storage_, *job); }, [this, job] { ended(*job); });
}

void Log::make_batch(Job& job) {
  std::uint64_t octets = 0;
  std::size_t count = 0;
  while (count < open_.size() && octets < kMaxBatchOctets) {
    const Append& next = open_[count++];
    octets += records_of(next) * kTypicalHead + length_of(next.content);
  }
  const auto behind = open_.begin() + static_cast<std::ptrdiff_t>(count);
  job.appends.assign(std::make_move_iterator(open_.begin()), std::make_move_iterator(behind));
  open_.erase(open_.begin(), behind);

  choose_segment(job, octets);
  const std::uint64_t batch_start = job.end;
  std::uint32_t records = job.creates ? 1 : 0;
  for (const Append& append : job.appends) records += records_of(append);
  if (job.creates) {
    const Segment* last = last_ == 0 ? nullptr : &segments_.at(last_);
    place(job, 0,
          SegmentStart{segments_.empty() ? job.number : segments_.begin()->first, last_, last ? last->end : 0,
                       last ? last->seed : Seed{}},
          {});
  }
  for (const Append& append : job.appends) {
    const std::uint64_t begin = job.end;
    place(job, append.id, append.record, append.content);
    job.placed.push_back({make_place(job.number, begin), job.end - begin, append.id});
    if (append.along) place(job, append.along->id, append.along->record, {});
  }
  place(job, 0, Commit{batch_start, records}, {});
}

void Log::choose_segment(Job& job, std::uint64_t octets) {
  job.creates = !writing_ || segments_.at(last_).end + octets > segment_size_;
  if (!job.creates) {
    job.number = last_;
    job.segment = segments_.at(last_);
    job.offset = job.end = job.segment.end;
    return;
  }
  job.number = ++highest_;
  job.segment.seed = fresh_seed();
  job.heads = encode_segment_header({job.number, job.segment.seed});
  job.end = kSegmentHeaderSize;
}

void Log::place(Job& job, Id id, const Record& record, const SharedContent& content) {
  const std::size_t begin = job.heads.size();
  const RecordHeader header =
      encode_record(job.heads, job.segment.seed, job.end, id, record, length_of(content));
  job.end += header.size();
  job.pieces.push_back({begin, header, content});
}

// In the worker's thread.
void Log::write(Storage& storage, Job& job) {
  const std::string name = segment_file_name(job.number);
  if (job.creates) {
    auto made = storage.create(name);
    if (!made) {
      job.error = made.error();
      return;
    }
    job.segment.file = std::move(*made);
  }
  job.error = job.segment.file->write(job.parts(), job.offset);
  if (job.error == 0) job.error = job.segment.file->sync();
  if (job.error == 0 && job.creates) job.error = storage.sync_directory(kTopDirectory);
  if (job.error == 0) return;
  // What was written must not come back after a restart.  The next segment's start says so as well.
  if (job.creates)
    (void)storage.remove(name);
  else
    (void)job.segment.file->truncate(job.offset);
}

void Log::ended(Job& job) {
  writing_ = job.error == 0;
  if (job.error == 0) {
    failures_ = 0;
    last_ = job.number;
    job.segment.end = job.end;
    segments_[job.number] = job.segment;
    if (job.creates) observer_.opened(job.number);
  } else if (outcome_of(job.error) == Outcome::failed) {
    ++failures_;
  }
  if (job.error != 0 && job.number != 0) observer_.failed(job.number, job.error);
  for (std::size_t i = 0; i < job.appends.size(); ++i)
    job.appends[i].done(outcome_of(job.error), job.placed[i]);
  busy_ = false;
  start();
}

void Log::remove_oldest() {
  if (removing_ || segments_.empty() || is_current(segments_.begin()->first)) return;
  removing_ = true;
  const SegmentNumber number = segments_.begin()->first;
  worker_.run(
      [this, number] {
        if (storage_.remove(segment_file_name(number)) == 0) (void)storage_.sync_directory(kTopDirectory);
      },
      [this, number] {
        removing_ = false;
        segments_.erase(number);
        if (last_ == number) last_ = 0;
        observer_.removed(number);
      });
}

}  // namespace mailroom::queue
