// What senders, and the postmaster, are told about their messages (RFC 3461, RFC 3464).
//
// The dispatcher decides what has happened, and calls one function for each kind; how it is said, to whom,
// and whether at all (NOTIFY, null reverse-paths, loops) is decided behind this interface.
//
// A report is a new message.  That what it is about is settled becomes durable with it, so that a crash
// repeats none, and loses none: until then what failed is not noted as finished, and what has arrived is
// noted as owed (queue::Owed).  Each call is answered by exactly one `done`, now or later.  Until then the
// message stays in the queue: its content can be read with Queue::read_content(message.id, ...).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "daemons/channels/relayd.h"
#include "daemons/channels/types.h"
#include "spool/queue/envelope.h"
#include "spool/queue/record.h"

namespace mailroom::queued {

// A message that is reported about.
struct ReportedMessage {
  QueueId id = 0;
  queue::Envelope envelope;  // reverse-path, RET, ENVID, SMTPUTF8, submitter
  queue::Microseconds arrived = 0;
  queue::Microseconds expires = 0;  // until then it is attempted
  std::uint64_t size = 0;           // octets of content
};

// What came of one target.  Targets of one recipient (an address that stands for several accounts) are told
// apart by their numbers only.
struct ReportedTarget {
  std::uint32_t number = 0;  // index into ReportedMessage::envelope.targets, plus 1
  Reply reply;          // the last one: of `host`, or, when that is empty, this system's own; code 0: none
  std::string host;     // name of the remote host that it is about; empty: this system decided
  std::string address;  // of that host, as text; empty: there was no connection
  RelayFailure failure = RelayFailure::none;
  RelayStage stage = RelayStage::connect;
  queue::Microseconds attempted = 0;  // the last time; 0: never
};

enum class ReportResult : std::uint8_t {
  settled,  // a durable message says it, or there is nobody to tell, or no time left to tell of a success
  // It cannot be said (no space, no way to tell anybody).  A message that failed is held for an operator;
  // that one has arrived is owed still, and said later.
  impossible,
};

class Reports {
 public:
  using Targets = std::vector<ReportedTarget>;
  using Done = std::function<void(ReportResult)>;
  virtual ~Reports() = default;

  // Whether so few reports are being made that more can be.  Nothing that may have to be reported is begun
  // while there is none: a report that finds no room is impossible.
  virtual bool has_room() const = 0;

  // Whether no report is about to be in the queue: those that wait for the DNS, or to be tried again, are not
  // waited for at a stop, and are begun anew after the next start.
  virtual bool is_quiet() const = 0;

  // Never delivered: refused for good.
  virtual void failed(const ReportedMessage& message, Targets targets, Done done) = 0;
  // Never delivered: tried for the whole lifetime of the message.
  virtual void expired(const ReportedMessage& message, Targets targets, Done done) = 0;
  // Not yet delivered; called once for each message, after queued.delay-warning.
  virtual void delayed(const ReportedMessage& message, Targets targets, Done done) = 0;
  // In a mailbox, or taken by an LMTP server.  Called only for targets whose NOTIFY asks for it.
  virtual void delivered(const ReportedMessage& message, Targets targets, Done done) = 0;
  // Taken by a host that does not report (no DSN extension).  Called only for targets whose NOTIFY asks for
  // it.
  virtual void relayed(const ReportedMessage& message, Targets targets, Done done) = 0;
};

// These targets need no more attempts.
inline queue::Attempted finished(const Reports::Targets& targets) {
  queue::Attempted status;
  for (const ReportedTarget& target : targets) status.finished.push_back(target.number);
  std::ranges::sort(status.finished);
  return status;
}

}  // namespace mailroom::queued
