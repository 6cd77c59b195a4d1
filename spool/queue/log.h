// The log: appends records in batches, each written and synced by one job of a worker.  While a job runs,
// what is appended gathers for the next: the cost of durability is shared by all that arrives meanwhile.
//
// Not thread-safe; everything is called from, and calls back in, the event loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "spool/queue/content.h"
#include "spool/queue/index.h"
#include "spool/queue/record.h"
#include "spool/queue/storage.h"
#include "spool/queue/worker.h"

namespace mailroom::queue {

// What became of an appended record.  Only `durable` may be acknowledged; after the others the record is not
// in the log, now or after a restart.
enum class Outcome : std::uint8_t { durable, no_space, failed };

struct Segment {
  std::shared_ptr<File> file;
  Seed seed{};
  std::uint64_t end = 0;
};
using Segments = std::map<SegmentNumber, Segment>;

// For whoever writes a log of events.
struct LogObserver {
  std::function<void(SegmentNumber, Errno)> failed = [](SegmentNumber, Errno) {
  };  // a batch was not made durable
  std::function<void(SegmentNumber)> opened = [](SegmentNumber) {};
  std::function<void(SegmentNumber)> removed = [](SegmentNumber) {};
};

// What is said of a message.
struct Status {
  Id id = 0;
  Record record;
};

class Log {
 public:
  using Done = std::function<void(Outcome, const PlacedRecord&)>;
  struct Append {
    Id id = 0;
    Record record;
    SharedContent content;  // or null
    Done done;
    std::optional<Status> along{};  // in the same batch: it becomes durable with this one or not at all
  };

  // Syncs that fail one after the other before the log takes no more (SECURITY.md 7.3).
  static constexpr unsigned kMaxFailures = 3;

  // `segments`: what recovery found.  Appends go to a new segment with the first batch.
  Log(Storage& storage, Worker& worker, std::uint64_t segment_size, Segments segments,
      SegmentNumber highest_number);

  void append(Append&& append);
  // In front of all that has been appended and not yet handed to the worker.  From `before_batch` only.
  void append_first(Append&& append);
  // Called when no job runs and a batch is about to be made, or when a batch has ended and nothing waits.
  void set_before_batch(std::function<void()> call) { before_batch_ = std::move(call); }

  void set_observer(LogObserver observer) { observer_ = std::move(observer); }

  // Nothing is waiting and no job runs.
  bool idle() const { return !busy_ && open_.empty(); }
  // kMaxFailures syncs in a row have failed: every append is answered `failed` at once.
  bool broken() const { return failures_ >= kMaxFailures; }

  const Segments& segments() const { return segments_; }
  bool is_current(SegmentNumber number) const { return writing_ && number == last_; }
  std::uint64_t octets() const;
  // Removes the oldest segment, which must not be the one that is written.  Returns before it is gone;
  // further calls change nothing until then, so segments go in order even when the power fails.
  void remove_oldest();

 private:
  struct Job;
  void start();
  void make_batch(Job& job);
  void choose_segment(Job& job, std::uint64_t octets);
  void place(Job& job, Id id, const Record& record, const SharedContent& content);
  void ended(Job& job);
  static void write(Storage& storage, Job& job);

  Storage& storage_;
  Worker& worker_;
  std::uint64_t segment_size_;
  Segments segments_;
  SegmentNumber last_ = 0;     // the newest segment that counts; 0: none
  SegmentNumber highest_ = 0;  // number ever used
  bool writing_ = false;       // whether `last_` may be appended to
  std::vector<Append> open_;
  bool busy_ = false;
  bool removing_ = false;
  unsigned failures_ = 0;
  std::function<void()> before_batch_ = [] {};
  LogObserver observer_;
};

}  // namespace mailroom::queue
