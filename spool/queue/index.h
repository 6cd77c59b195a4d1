// What is in the queue, in memory: one entry of fixed size for each message, rebuilt at start from the log's
// record heads.  Envelope and content stay on disk.  Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
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

// Name a domain, or a sender, for as long as a message of the index is for it, or from it.
using DomainNumber = std::uint32_t;
using SenderNumber = std::uint32_t;
inline constexpr DomainNumber kLocalDomain = 0;

// One part of a message: where it goes, and how far that has come.
struct Part {
  DomainNumber domain = 0;
  std::uint32_t attempts = 0;
  Microseconds next_attempt = 0;
  Place status;  // the last Attempted of this part, whose answers count; or the Accepted itself
};

struct Entry {
  Place accepted;  // the message
  Place held_by;   // the last Held, when it is held
  std::uint64_t content_length = 0;
  Microseconds arrived = 0;
  std::vector<Part> parts;
  std::vector<std::uint32_t> finished;  // target numbers, ascending; empty for nearly all messages
  std::uint32_t log_size = 0;           // of the Accepted record
  std::uint32_t targets = 0;
  SenderNumber sender = 0;  // the account that submitted it, or its reverse-path
  bool held = false;
  bool warned = false;
  routing::SenderTls tls = routing::SenderTls::unspecified;  // tls_on_the_way()
  bool content_in_file = false;
};

// Reports that a sender is owed, by target.
using OwedReports = std::map<std::uint32_t, OwedReport>;

// A record as the log gives it back.
struct PlacedRecord {
  Place place;
  std::uint64_t size = 0;  // with header, content and padding
  Id id = 0;
};

class Index {
 public:
  Index() { domains_.take(""); }  // the local part, for good: kLocalDomain

  // Takes in a record that is on disk, at a start and in operation alike.  Records of messages that are gone
  // change nothing.
  void apply(const PlacedRecord& placed, const Record& record);

  // These targets are finished, and nothing more is owed of them; or finished, and a report is.  A record
  // that says so is on its way.
  void note_finished(Id id, const std::vector<std::uint32_t>& targets);
  void note_owed(Id id, const Owed& owed);

  const Entry* find(Id id) const;
  std::size_t size() const { return entries_.size(); }
  const std::map<Id, Entry>& entries() const { return entries_; }
  Id highest_id() const { return highest_; }
  // What the sender of a message is owed; of all messages, those alone that are.
  const OwedReports& owed(Id id) const;
  const std::map<Id, OwedReports>& owed() const { return owed_; }
  // Of a part; empty: the local mailboxes.
  const std::string& domain(DomainNumber number) const { return domains_.text(number); }

  // Messages and octets of the log that are still needed.
  struct Live {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
  };
  Live live(SegmentNumber segment) const;
  std::uint64_t live_octets() const { return total_.octets; }

 private:
  // Each text once, by a small number, with a count of who uses it.
  class Texts {
   public:
    Texts() = default;
    Texts(Texts&&) = default;
    Texts& operator=(Texts&&) = default;
    std::uint32_t take(std::string_view text);
    void give_back(std::uint32_t number);
    const std::string& text(std::uint32_t number) const { return *used_.at(number).text; }

   private:
    struct Used {
      const std::string* text = nullptr;  // in `numbers_`
      std::uint32_t count = 0;
    };
    std::map<std::string, std::uint32_t, std::less<>> numbers_;  // strangers choose them: no hash table
    std::vector<Used> used_;
    std::vector<std::uint32_t> free_;
  };

  void accept(const PlacedRecord& placed, const Accepted& accepted);
  void settle(Id id, const std::vector<std::uint32_t>& targets);
  void forget(Id id);  // the entry
  void count_out(const Entry& entry);

  std::map<Id, Entry> entries_;
  std::map<Id, OwedReports> owed_;  // of messages that have entries
  Texts domains_;
  Texts senders_;
  std::map<SegmentNumber, Live> live_;
  Live total_;
  Id highest_ = 0;
};

}  // namespace mailroom::queue
