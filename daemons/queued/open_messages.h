// The messages that are under way, with their content: read back from the queue, or, when they are new,
// straight from memory.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemons/queued/destination.h"
#include "daemons/queued/reports.h"
#include "daemons/queued/target_result.h"
#include "libcommon/sys/fd.h"
#include "spool/queue/queue.h"

namespace mailroom::queued {

struct OpenMessage {
  QueueId id = 0;
  queue::Envelope envelope;
  std::uint64_t arrived = 0;  // microseconds since 1970
  std::uint64_t size = 0;
  bool has_content = false;  // of which as much is here
  std::string content;       // up to kInlineContent octets
  Fd memfd;                  // longer content, sealed

  // For the dispatcher: what is under way, and what senders are to hear of it.
  bool local_visit = false;
  std::uint32_t remote_visits = 0;
  std::map<DestinationNumber, TargetResults> so_far;  // of visits under way
  std::uint32_t reports = 0;                          // called and not answered
  Reports::Targets failed;                            // to be reported when no visit is under way any more
  std::vector<std::uint32_t> settling;  // targets that failed, until a report about that is answered
  std::set<std::uint32_t> telling;      // targets of which a report that is owed is being made
  bool is_done = false;                 // nothing is left but to note that it is finished
  bool owes_warning = false;            // of its delay, which fell due while it was misplaced

  const queue::EnvelopeRecipient& recipient_of(std::uint32_t target) const {
    return envelope.recipients.at(envelope.targets.at(target - 1).recipient);
  }
  bool is_under_way() const { return local_visit || remote_visits > 0; }
  // A descriptor of the memfd for someone else; invalid when the content is inline.
  Fd share_memfd() const;
  // While only reports are waited for, which may take long, and read what they need themselves.  What is
  // under way keeps it: nobody hands over a message without its content.
  void drop_content();
};

class OpenMessages {
 public:
  // `memory`: octets of new content that may wait here for its first attempt.
  OpenMessages(queue::Queue& queue, std::uint64_t memory) : queue_{queue}, memory_{memory} {}

  // Keeps the content of a new message, in place of older ones that nobody has opened.
  void keep(QueueId id, const queue::Envelope& envelope, queue::SharedContent content);

  // The message with its content, each read when it is not here.  It stays where it is until close().
  std::expected<OpenMessage*, queue::ReadProblem> open(QueueId id);
  // For reports: when it is not open, without its content.
  std::expected<OpenMessage*, queue::ReadProblem> open_envelope(QueueId id);
  OpenMessage* find(QueueId id);
  void close(QueueId id) { open_.erase(id); }

 private:
  struct Fresh {
    queue::Envelope envelope;
    queue::SharedContent content;
  };
  std::expected<OpenMessage*, queue::ReadProblem> find_or_load(QueueId id, Fresh* fresh);
  std::expected<void, queue::ReadProblem> load_content(OpenMessage& message);
  void drop_fresh(QueueId id);

  queue::Queue& queue_;
  std::uint64_t memory_;
  std::unordered_map<QueueId, Fresh> fresh_;
  std::deque<QueueId> fresh_order_;
  std::uint64_t fresh_octets_ = 0;
  std::unordered_map<QueueId, OpenMessage> open_;
};

}  // namespace mailroom::queued
