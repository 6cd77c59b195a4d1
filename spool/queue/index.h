// What is in the queue, in memory: one entry of fixed size for each message, rebuilt at start from the log's
// record heads.  Envelope and content stay on disk.  Pure.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "spool/queue/record.h"

namespace mailroom::queue {

// Where a record begins.
struct Place {
  SegmentNumber segment = 0;
  std::uint32_t offset_in_units = 0;  // of kRecordAlignment
  std::uint64_t offset() const { return std::uint64_t{offset_in_units} * kRecordAlignment; }
  auto operator<=>(const Place&) const = default;
};
Place make_place(SegmentNumber segment, std::uint64_t offset);

struct Entry {
  Place accepted;  // the message
  Place status;    // the last Attempted or Held, whose `problem` is for people; or the Accepted itself
  std::uint64_t content_length = 0;
  Microseconds arrived = 0;
  Microseconds next_attempt = 0;
  std::uint32_t log_size = 0;  // of the Accepted record
  std::uint32_t attempts = 0;
  std::uint32_t targets = 0;
  bool held = false;
  bool content_in_file = false;
  std::vector<std::uint32_t> finished;  // target numbers, ascending; empty for nearly all messages
};

// A record as the log gives it back.
struct PlacedRecord {
  Place place;
  std::uint64_t size = 0;  // with header, content and padding
  Id id = 0;
};

class Index {
 public:
  // Takes in a record that is on disk, at a start and in operation alike.  Records of messages that are gone
  // change nothing.
  void apply(const PlacedRecord& placed, const Record& record);

  const Entry* find(Id id) const;
  std::size_t size() const { return entries_.size(); }
  const std::map<Id, Entry>& entries() const { return entries_; }
  Id highest_id() const { return highest_; }

  // Messages and octets of the log that are still needed.
  struct Live {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
  };
  Live live(SegmentNumber segment) const;
  std::uint64_t live_octets() const { return total_.octets; }

 private:
  void accept(const PlacedRecord& placed, const Accepted& accepted);
  void forget(Id id);
  void count_out(const Entry& entry);

  std::map<Id, Entry> entries_;
  std::map<SegmentNumber, Live> live_;
  Live total_;
  Id highest_ = 0;
};

}  // namespace mailroom::queue
