// The durable queue: accepts messages, remembers what became of them, gives them back.
//
// Everything is called from, and calls back in, the event loop's thread; what takes a disk's time runs in the
// two workers.  Nothing here decides when to deliver what: daemons/queued/schedule.h does.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "spool/queue/incoming.h"
#include "spool/queue/index.h"
#include "spool/queue/log.h"
#include "spool/queue/recovery.h"
#include "spool/queue/segment_scan.h"

namespace mailroom::queue {

struct Options {
  std::uint64_t memory_limit = 256 * 1024 * 1024;  // content in memory, of all messages together
  std::uint64_t memory_message_size = 256 * 1024;  // longer content goes to a file
  std::uint64_t segment_size = 64 * 1024 * 1024;
  std::uint64_t min_free_space = 128 * 1024 * 1024;  // kept for the records of what is queued already
  std::uint32_t copy_forward_percent = 20;           // a segment with less live content is copied forward
};

enum class ReadProblem : std::uint8_t {
  gone,        // there is no such message
  unreadable,  // the medium gives an error
  damaged,     // the bytes are not what was accepted
};

class Queue {
 public:
  // `now_microseconds`: since 1970, for the first id.
  Queue(Storage& storage, Worker& log_worker, Worker& content_worker, const Options& options,
        Recovered&& recovered, std::uint64_t now_microseconds);

  void set_observer(LogObserver observer) { log_.set_observer(std::move(observer)); }

  Id new_id() { return next_id_++; }
  bool has_space() { return storage_.free_space() >= options_.min_free_space; }
  // The disk has failed too often: nothing more is accepted (SECURITY.md 7.3).
  bool broken() const { return log_.broken(); }
  // Whether the disk takes what is recorded, as far as is known.  Who does what must not be done twice asks
  // before: what is not recorded is done again after the next start.
  bool can_record() const { return !fails_to_record_ && !broken(); }

  std::unique_ptr<Incoming> begin(Id id);

  // Calls `done` when the message is on disk or will never be; with `durable` it is in the index.  The
  // content is given when it was held in memory.
  // `along`, a Warned of another message or an Attempted that names no part, is in the same batch: it is on
  // disk too, and known then, or neither is.
  using AcceptDone = std::function<void(Outcome, SharedContent)>;
  void accept(std::unique_ptr<Incoming> incoming, Envelope envelope, Microseconds now, AcceptDone done,
              std::optional<Status> along = {});

  // Remembers a status: Attempted, Owed, Finished, Held, Released, Removed, Warned.  What an Attempted or an
  // Owed says is known at once: its targets are finished in the index, and read_answers() has its answers.
  // Needs no answer: what a crash forgets is done again.  Tried again, at tick(), for as long as the disk
  // refuses it, in the order of the calls.  `done`, if there is one, hears what came of the first try.
  using RecordDone = std::function<void(Outcome)>;
  void record(Id id, Record status, RecordDone done = {});

  const Index& index() const { return index_; }
  // Envelope and times as accepted; `progress` is not current, the index is.
  std::expected<Accepted, ReadProblem> read_message(Id id);
  // What was last heard about the targets that are not finished, ascending by target.
  std::vector<TargetAnswer> read_answers(Id id);
  // Why the message is held, or why the last attempt came to nothing; empty if there is no reason.
  std::string read_problem(Id id);
  // Calls `sink` with the content in pieces; verified when it returns without a problem.
  using Sink = std::function<void(std::string_view)>;
  std::expected<void, ReadProblem> read_content(Id id, const Sink& sink);

  // To be called about once a second.
  void tick();
  // Everything given to record() and accept() has its outcome.
  bool settled() const { return log_.idle() && unrecorded_.empty() && syncing_files_ == 0; }

 private:
  struct Located {
    const Entry* entry;
    const Segment* segment;
    ScannedRecord record;
  };
  struct Cursor {
    SegmentNumber segment = 0;
    std::uint64_t offset = 0;
  };

  void known_at_once(Id id, const Record& status);
  void written(Id id, const Record& status);
  void append_accepted(Id id, Accepted&& accepted, std::shared_ptr<Incoming> incoming, AcceptDone done,
                       std::optional<Status> along);
  void append_status(Status status, RecordDone done = {});
  void appended(Status&& status, Outcome outcome, const PlacedRecord& placed);
  void apply(const PlacedRecord& placed, const Record& record);
  std::expected<Located, ReadProblem> locate(Id id);
  std::optional<Record> read_record(Id id, Place place);
  std::string why_held(Id id, const Entry& entry);
  std::expected<void, ReadProblem> read_range(File& file, std::uint64_t offset, const Accepted& accepted,
                                              const Sink& sink);
  void maintain();
  void copy_some(SegmentNumber number, const Segment& segment);
  void copy(const Entry& entry, ScannedRecord&& record, const Segment& segment);

  Storage& storage_;
  Worker& content_worker_;
  Options options_;
  std::shared_ptr<MemoryBudget> memory_;
  std::shared_ptr<MemoryBudget> copies_ = std::make_shared<MemoryBudget>(UINT64_MAX);
  Index index_;
  Log log_;
  Id next_id_;
  std::vector<Status> unrecorded_;  // in the order in which they are to be
  bool fails_to_record_ = false;    // since the disk refused one, until it has taken all
  std::unordered_map<Id, std::deque<std::vector<TargetAnswer>>>
      unwritten_;  // of Attempted records, in their order
  unsigned syncing_files_ = 0;
  Cursor copied_;
  bool may_copy_ = true;  // until tick(), after a copy that found no place
};

}  // namespace mailroom::queue
