#include "spool/queue/queue.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <utility>

#include "spool/queue/file_source.h"

namespace mailroom::queue {
namespace {

constexpr std::size_t kReadUnit = 64 * 1024;
// Of one step of copying forward, between two batches.
constexpr std::uint64_t kCopyOctets = 1024 * 1024;
constexpr unsigned kCopyProbes = 4096;
// Space that the log may take beyond twice what is live, in segments.
constexpr std::uint64_t kSpareSegments = 4;

std::vector<std::uint32_t> without(const OwedReports& owed, std::vector<std::uint32_t> finished) {
  if (!owed.empty()) std::erase_if(finished, [&](std::uint32_t target) { return owed.contains(target); });
  return finished;
}

std::optional<Status> record_of(Id id, const OwedReports& owed) {
  if (owed.empty()) return {};
  Owed record;
  for (const auto& [target, report] : owed) record.reports.push_back(report);
  return Status{id, std::move(record)};
}

}  // namespace

Queue::Queue(Storage& storage, Worker& log_worker, Worker& content_worker, const Options& options,
             Recovered&& recovered, std::uint64_t now_microseconds)
    : storage_{storage}, content_worker_{content_worker}, options_{options},
      memory_{std::make_shared<MemoryBudget>(options.memory_limit)}, index_{std::move(recovered.index)},
      log_{storage, log_worker, options.segment_size, std::move(recovered.segments),
           recovered.highest_number},
      next_id_{first_id(index_.highest_id(), now_microseconds)} {
  log_.set_before_batch([this] { maintain(); });
}

std::unique_ptr<Incoming> Queue::begin(Id id) {
  return std::make_unique<Incoming>(storage_, memory_, id, options_.memory_message_size);
}

void Queue::accept(std::unique_ptr<Incoming> incoming, Envelope envelope, Microseconds now, AcceptDone done,
                   std::optional<Status> along) {
  const Id id = incoming->id();
  Accepted accepted{.arrived = now,
                    .content_length = incoming->length(),
                    .content_hash = incoming->finish_hash(),
                    .content_in_file = incoming->file() != nullptr,
                    .envelope = std::move(envelope),
                    .progress = {}};
  std::shared_ptr<Incoming> shared = std::move(incoming);
  if (!shared->file())
    return append_accepted(id, std::move(accepted), std::move(shared), std::move(done), std::move(along));

  ++syncing_files_;
  auto error = std::make_shared<Errno>(0);
  content_worker_.run(
      [this, shared, error] {
        *error = shared->file()->sync();
        if (*error == 0) *error = storage_.sync_directory(kContentDirectory);
      },
      [this, id, accepted = std::move(accepted), shared, error, done = std::move(done),
       along = std::move(along)]() mutable {
        --syncing_files_;
        if (*error == 0)
          return append_accepted(id, std::move(accepted), std::move(shared), std::move(done),
                                 std::move(along));
        done(*error == ENOSPC || *error == EDQUOT ? Outcome::no_space : Outcome::failed, nullptr);
      });
}

void Queue::append_accepted(Id id, Accepted&& accepted, std::shared_ptr<Incoming> incoming, AcceptDone done,
                            std::optional<Status> along) {
  SharedContent content = incoming->file() ? nullptr : incoming->content();
  auto record = std::make_shared<Record>(std::move(accepted));
  auto done_with_both = [this, record, incoming, content, along,
                         done = std::move(done)](Outcome outcome, const PlacedRecord& placed) {
    if (outcome == Outcome::durable) {
      incoming->keep_file();
      apply(placed, *record);
      if (along) index_.apply({placed.place, 0, along->id}, along->record);
    }
    done(outcome, content);
  };
  log_.append({id, *record, content, std::move(done_with_both), std::move(along)});
}

void Queue::known_at_once(Id id, const Record& status) {
  if (const auto* owed = std::get_if<Owed>(&status)) index_.note_owed(id, *owed);
  const auto* attempted = std::get_if<Attempted>(&status);
  if (attempted == nullptr) return;
  index_.note_finished(id, attempted->finished);
  if (index_.find(id) != nullptr) unwritten_[id].push_back(attempted->answers);
}

void Queue::written(Id id, const Record& status) {
  const auto found = unwritten_.find(id);
  if (!std::holds_alternative<Attempted>(status) || found == unwritten_.end()) return;
  found->second.pop_front();
  if (found->second.empty()) unwritten_.erase(found);
}

void Queue::record(Id id, Record status, RecordDone done) {
  known_at_once(id, status);
  if (unrecorded_.empty()) return append_status({id, std::move(status)}, std::move(done));
  unrecorded_.push_back({id, std::move(status)});
  if (done) done(Outcome::failed);
}

void Queue::append_status(Status status, RecordDone done) {
  const Id id = status.id;
  Record record = status.record;
  log_.append({id, std::move(record), nullptr,
               [this, status = std::move(status),
                done = std::move(done)](Outcome outcome, const PlacedRecord& placed) mutable {
                 appended(std::move(status), outcome, placed);
                 if (done) done(outcome);
               }});
}

// One that the disk took while it had refused an earlier one of the same message is written once more behind
// that one: the last of them counts.
void Queue::appended(Status&& status, Outcome outcome, const PlacedRecord& placed) {
  fails_to_record_ = outcome != Outcome::durable || !unrecorded_.empty();
  if (outcome == Outcome::durable) {
    apply(placed, status.record);
    if (std::ranges::find(unrecorded_, status.id, &Status::id) == unrecorded_.end())
      return written(placed.id, status.record);
  }
  unrecorded_.push_back(std::move(status));
}

void Queue::apply(const PlacedRecord& placed, const Record& record) {
  const bool ends = std::holds_alternative<Finished>(record) || std::holds_alternative<Removed>(record);
  const Entry* entry = index_.find(placed.id);
  if (ends && entry != nullptr && entry->content_in_file)
    content_worker_.run([this, name = content_file_name(placed.id)] { (void)storage_.remove(name); }, [] {});
  index_.apply(placed, record);
}

void Queue::tick() {
  may_copy_ = true;
  for (Status& status : std::exchange(unrecorded_, {})) append_status(std::move(status));
}

std::expected<Queue::Located, ReadProblem> Queue::locate(Id id) {
  const Entry* entry = index_.find(id);
  if (entry == nullptr) return std::unexpected(ReadProblem::gone);
  const Segment& segment = log_.segments().at(entry->accepted.segment);
  FileSource source{*segment.file};
  auto record = scan_record(source, segment.seed, entry->accepted.offset());
  if (!record || record->header.id != id || !std::holds_alternative<Accepted>(record->record))
    return std::unexpected(source.unreadable_pages() > 0 ? ReadProblem::unreadable : ReadProblem::damaged);
  return Located{entry, &segment, std::move(*record)};
}

std::expected<Accepted, ReadProblem> Queue::read_message(Id id) {
  auto located = locate(id);
  if (!located) return std::unexpected(located.error());
  return std::get<Accepted>(std::move(located->record.record));
}

std::optional<Record> Queue::read_record(Id id, Place place) {
  const auto segment = log_.segments().find(place.segment);
  if (segment == log_.segments().end()) return {};
  FileSource source{*segment->second.file};
  auto record = scan_record(source, segment->second.seed, place.offset());
  if (!record || record->header.id != id) return {};
  return std::move(record->record);
}

// Parts that were attempted together have one record: it is read once.
std::vector<TargetAnswer> Queue::read_answers(Id id) {
  const Entry* entry = index_.find(id);
  if (entry == nullptr) return {};
  std::set<Place> places;
  for (const Part& part : entry->parts) places.insert(part.status);
  std::map<std::uint32_t, TargetAnswer> latest;
  const auto take = [&](const std::vector<TargetAnswer>& answers) {
    for (const TargetAnswer& answer : answers)
      if (!std::ranges::binary_search(entry->finished, answer.target)) latest[answer.target] = answer;
  };
  for (const Place place : places) {
    const auto record = read_record(id, place);
    if (!record) continue;
    if (const auto* accepted = std::get_if<Accepted>(&*record)) take(accepted->progress.answers);
    if (const auto* attempted = std::get_if<Attempted>(&*record)) take(attempted->answers);
  }
  if (const auto newer = unwritten_.find(id); newer != unwritten_.end())
    for (const auto& answers : newer->second) take(answers);
  std::vector<TargetAnswer> out;
  for (auto& [target, answer] : latest) out.push_back(std::move(answer));
  return out;
}

std::string Queue::why_held(Id id, const Entry& entry) {
  const auto record = read_record(id, entry.held_by);
  if (!entry.held || !record) return {};
  if (const auto* accepted = std::get_if<Accepted>(&*record)) return accepted->progress.problem;
  const auto* held = std::get_if<Held>(&*record);
  return held == nullptr ? std::string{} : held->problem;
}

std::string Queue::read_problem(Id id) {
  const Entry* entry = index_.find(id);
  if (entry == nullptr) return {};
  if (entry->held) return why_held(id, *entry);
  const auto answers = read_answers(id);
  const auto last = std::ranges::max_element(answers, {}, &TargetAnswer::time);
  return last == answers.end() ? std::string{} : answer_text(*last);
}

std::expected<void, ReadProblem> Queue::read_content(Id id, const Sink& sink) {
  const auto located = locate(id);
  if (!located) return std::unexpected(located.error());
  const auto& accepted = std::get<Accepted>(located->record.record);
  if (!accepted.content_in_file)
    return read_range(*located->segment->file,
                      located->record.offset + located->record.header.content_offset(), accepted, sink);
  const auto file = storage_.open(content_file_name(id));
  if (!file) return std::unexpected(ReadProblem::unreadable);
  return read_range(**file, 0, accepted, sink);
}

std::expected<void, ReadProblem> Queue::read_range(File& file, std::uint64_t offset, const Accepted& accepted,
                                                   const Sink& sink) {
  Sha256 hash;
  std::vector<char> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(kReadUnit, accepted.content_length)));
  for (std::uint64_t left = accepted.content_length; left > 0;) {
    const std::span<char> into{buffer.data(),
                               static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()))};
    const auto got = file.read(into, offset);
    if (!got) return std::unexpected(ReadProblem::unreadable);
    if (*got != into.size()) return std::unexpected(ReadProblem::damaged);
    const std::string_view bytes{into.data(), into.size()};
    hash.update(bytes);
    sink(bytes);
    offset += bytes.size();
    left -= bytes.size();
  }
  if (hash.finish() != accepted.content_hash) return std::unexpected(ReadProblem::damaged);
  return {};
}

// Segments go from the oldest on: a status record may stand behind its message, never before it, so what is
// left of the log always tells the truth about the messages that are left.
void Queue::maintain() {
  if (log_.segments().empty()) return;
  const auto& [number, segment] = *log_.segments().begin();
  if (log_.is_current(number)) return;
  const Index::Live live = index_.live(number);
  if (live.messages == 0) return log_.remove_oldest();
  const bool few = live.octets * 100 < segment.end * options_.copy_forward_percent;
  const bool sparse = log_.octets() > 2 * index_.live_octets() + kSpareSegments * options_.segment_size;
  if (may_copy_ && (few || sparse)) copy_some(number, segment);
}

void Queue::copy_some(SegmentNumber number, const Segment& segment) {
  if (copied_.segment != number || copied_.offset + kRecordHeaderSize > segment.end)
    copied_ = {number, kSegmentHeaderSize};
  FileSource source{*segment.file};
  const std::uint64_t before = copies_->used();
  for (unsigned probes = 0; probes < kCopyProbes && copies_->used() - before < kCopyOctets; ++probes) {
    if (copied_.offset + kRecordHeaderSize > segment.end) return;
    const Place place = make_place(number, copied_.offset);
    auto record = scan_record(source, segment.seed, copied_.offset);
    copied_.offset += record ? record->header.size() : kRecordAlignment;
    const Entry* entry = record ? index_.find(record->header.id) : nullptr;
    if (entry != nullptr && entry->accepted == place) copy(*entry, std::move(*record), segment);
  }
}

// Damaged content is copied as it is: its hash goes with it, and tells.  What is owed goes along, and says
// itself that its targets are finished: neither counts without the other.
void Queue::copy(const Entry& entry, ScannedRecord&& record, const Segment& segment) {
  auto& accepted = std::get<Accepted>(record.record);
  const OwedReports& owed = index_.owed(record.header.id);
  accepted.progress = {.parts = {},
                       .held = entry.held,
                       .warned = entry.warned,
                       .finished = without(owed, entry.finished),
                       .answers = read_answers(record.header.id),
                       .problem = why_held(record.header.id, entry)};
  for (const Part& part : entry.parts) accepted.progress.parts.push_back({part.attempts, part.next_attempt});
  auto content = std::make_shared<Content>(copies_);
  FileSource source{*segment.file};
  content->add(std::string{source.read(record.offset + record.header.content_offset(),
                                       static_cast<std::size_t>(record.header.content_length))});
  auto shared = std::make_shared<Record>(std::move(record.record));
  log_.append_first({record.header.id, *shared, content,
                     [this, shared](Outcome outcome, const PlacedRecord& placed) {
                       if (outcome != Outcome::durable)
                         may_copy_ = false;
                       else if (index_.find(placed.id) != nullptr)
                         apply(placed, *shared);
                     },
                     record_of(record.header.id, owed)});
}

}  // namespace mailroom::queue
