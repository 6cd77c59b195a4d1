// Tells senders, and the postmaster, what became of messages (RFC 3461, RFC 3464; SECURITY.md V16).
//
// What failed:
//
//   the sender wants no word of it (NOTIFY)                     -> settled
//   the message is no report, and its sender has an address     -> a report to the sender
//   it is a report, an answer by a program, or has no sender,
//   or nobody has the sender's address                          -> a double bounce to the postmaster,
//                                                                  or dropped (queued.double-bounce)
//   it is itself addressed to the postmaster by this system     -> held for an operator
//
// A report about a stranger's message goes to the sender only if SPF does not say that this stranger may not
// send as that address (`fail`): else it would reach somebody who never wrote.  Any other result, and none at
// all when the DNS does not answer, lets it go: what is doubtful is told rather than lost.  Of what came from
// queued.spf-exempt it is not asked: that host handed on what others sent.  A failure that is
// not told for that reason goes to the postmaster as if nobody had the address, since SPF fails for honest
// mail too that another host has forwarded.
//
// So a report causes at most one message more, to an account of this system, and that one none.  Of a delay
// or a success only senders hear who can be told; what nobody can hear is settled.
//
// What failed for a device and cannot be told to its sender is told to policyd (REQUIREMENTS C8): when the
// report is refused for good, and when none can be made since nobody has the sender's address.  Nothing else
// is done about it before policyd has noted that, so a crash repeats the word and never loses it.
//
// A report that cannot be made now (policyd is away, the disk is full) is tried again for a while; meanwhile
// the message stays in the queue.  One of success is tried for an hour at least, and given up when the time
// of its message is over.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "daemons/config.h"
#include "daemons/queued/own_mail.h"
#include "daemons/queued/policy_questions.h"
#include "daemons/queued/reports.h"
#include "daemons/queued/sender_checks.h"
#include "libcommon/event/loop.h"
#include "libcommon/protocol/dsn/report.h"
#include "spool/queue/queue.h"

namespace mailroom::queued {

class ReportDesk final : public Reports {
 public:
  // Octets of messages that all reports together keep while they are made; what is beyond is read again when
  // it is needed.
  static constexpr std::uint64_t kMaxKeptOctets = 16 * 1024 * 1024;

  // Where an address leads, or nothing when that cannot be known now.
  using Resolve = std::function<void(const std::string& address, PolicyQuestions::OnAddress)>;
  using TellRefusal = std::function<void(ReportRefused, PolicyQuestions::OnRefusal)>;
  using CheckSender = std::function<void(spf::Identity, SenderChecks::Then)>;

  ReportDesk(event::Loop& loop, queue::Queue& queue, const Config& config, Resolve resolve,
             TellRefusal tell_refusal, CheckSender check_sender, OwnMail::OnAccepted on_accepted);
  ~ReportDesk() override;

  bool has_room() const override;
  bool is_quiet() const override;
  void failed(const ReportedMessage& message, Targets targets, Done done) override;
  void expired(const ReportedMessage& message, Targets targets, Done done) override;
  void delayed(const ReportedMessage& message, Targets targets, Done done) override;
  void delivered(const ReportedMessage& message, Targets targets, Done done) override;
  void relayed(const ReportedMessage& message, Targets targets, Done done) override;

  // Tries again what could not be made.  Called by itself some seconds after the first of it.
  void retry();

  std::uint64_t kept_octets() const { return kept_octets_; }

 private:
  struct Job;
  using Jobs = std::list<Job>;
  enum class Expired : bool { no, yes };

  void begin(const ReportedMessage& message, const Targets& targets, dsn::Action action, Expired expired,
             Done done);
  void resolve(Jobs::iterator job);
  void resolved(Jobs::iterator job, const AddressResolved* answer);
  void tell_refusal(Jobs::iterator job);
  void nobody(Jobs::iterator job);
  bool may_tell(const Job& job, const Recipient& recipient) const;
  bool is_exempt(const queue::Stranger& stranger) const;
  void tell(Jobs::iterator job, const Recipient& recipient);
  void suppress(Jobs::iterator job, const SenderVerdict& verdict);
  void send(Jobs::iterator job, const Recipient& recipient);
  void sent(Jobs::iterator job, QueueId report);
  void later(Jobs::iterator job);
  void give_up(Jobs::iterator job);
  void end(Jobs::iterator job, ReportResult result);
  void drop(Jobs::iterator job, const char* reason, ReportResult result);

  std::string read_content(const ReportedMessage& message);
  void keep(Job& job, std::string&& content);
  std::optional<std::string> let_go(Job& job);
  dsn::Report report_of(const Job& job, const std::string& id) const;
  std::string postmaster() const;

  queue::Queue& queue_;
  const Config& config_;
  Resolve resolve_;
  TellRefusal tell_refusal_;
  CheckSender check_sender_;
  OwnMail own_mail_;
  Jobs jobs_;
  std::uint64_t kept_octets_ = 0;
  bool retrying_ = false;
  event::Timer retry_;
};

}  // namespace mailroom::queued
