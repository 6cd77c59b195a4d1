// Mail on its way out: has what the schedule says is due delivered and relayed, remembers what came of it,
// and has senders told.
//
// What a far side has taken is recorded as soon as it has said so, and before anything else is done with the
// message.  Where the sender has asked to hear of that, the same record says that a report is owed; the
// message stays in the queue until it is made, over restarts too.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "daemons/config.h"
#include "daemons/queued/local_delivery.h"
#include "daemons/queued/open_messages.h"
#include "daemons/queued/relay_desk.h"
#include "daemons/queued/reports.h"
#include "daemons/queued/route_desk.h"
#include "daemons/queued/schedule.h"
#include "spool/queue/destination_holds.h"
#include "spool/queue/queue.h"

namespace mailroom::queued {

class Dispatcher final : private RelayDesk::Giver {
 public:
  // Schedules all that is in the queue; `holds` are the destinations that an operator holds.
  Dispatcher(event::Loop& loop, queue::Queue& queue, const Config& config, RouteDesk& routes,
             Reports& reports, queue::DestinationHolds& holds);

  void attach_deliverd(LeasedFd fd) { local_.attach_deliverd(std::move(fd)); }
  void attach_relayd(LeasedFd fd) { relays_.attach_relayd(std::move(fd)); }
  void set_results(TransportResults* results) { relays_.set_results(results); }
  // The limits, and what TLS must prove, may be others: for attempts that begin from now on.  Where domains
  // may lead elsewhere, messages for which they do get their visits anew before anything else begins; one
  // that is under way, when it no longer is.
  enum class Routes : bool { same, others };
  void reconfigured(Routes routes);

  // Begins nothing more.  What is under way to other hosts comes to its outcome, for
  // RelaydConfig::stop_timeout at most, and what senders are to hear of it is put into the queue, but for
  // what waits for the DNS or for policyd; then it is quiet.
  void stop();
  bool is_quiet() const;

  // A new message is durable; its content, if it is still in memory, saves reading it again.
  void accepted(QueueId id, const queue::Envelope& envelope, queue::SharedContent content);

  // To be called about once a second.
  void tick();
  // What it does by itself every ten minutes: forgets destinations that nothing is for, and has reports tried
  // again that are owed and could not be made.
  void sweep();

  // An operator's wishes; false when there is no such message or destination.  They are in effect at once;
  // `done` hears whether they outlive a restart.
  using Done = queue::Queue::RecordDone;
  bool hold(QueueId id, Done done);
  bool release(QueueId id, Done done);
  bool remove(QueueId id, Done done);
  bool retry(QueueId id);
  // The same, and over restarts; why not, when it could not be written down: then nothing has changed.
  [[nodiscard]] queue::Errno hold_destination(const std::string& key);
  [[nodiscard]] queue::Errno release_destination(const std::string& key);
  bool retry_destination(const std::string& key);

  // What is to be delivered, as of now; the queue's own records follow.
  const Schedule& schedule() const { return schedule_; }
  // What was last heard about a destination that does not work; null: nothing.
  const queue::TargetAnswer* last_failure(DestinationNumber destination) const;

 private:
  using Given = Schedule::Given;

  // RelayDesk::Giver
  void sent(const Given& visit, TargetResults results, Rest rest) override;
  void refused(const Given& visit, TargetResults results) override;
  void not_sent(const Given& visit, const queue::TargetAnswer& answer) override;
  void worked(DestinationNumber destination) override;
  void failed(DestinationNumber destination, const queue::TargetAnswer& answer) override;
  void ready() override { run(); }

  using Visits = std::map<DestinationNumber, Schedule::Visit>;
  Visits visits_of(const queue::Entry& entry);
  enum class Origin : bool { queue, outside };
  void schedule_message(QueueId id, const queue::Entry& entry, Origin origin = Origin::queue);
  void rerouted();
  bool leads_elsewhere(QueueId id, const queue::Entry& entry);
  bool has_unplaced(const OpenMessage& message);
  bool is_finished_by(const OpenMessage& message, const TargetResults& results);
  void place_again(QueueId id);
  DestinationNumber destination_of(const std::string& domain, routing::SenderTls tls);
  std::vector<std::uint32_t> parts_for(const queue::Entry& entry, DestinationNumber destination);
  std::vector<std::uint32_t> targets_for(const OpenMessage& message, DestinationNumber destination);

  void run();
  bool may_relay() const;
  void begin(const Given& visit);
  void could_not_load(const Given& visit, queue::ReadProblem problem);
  void ended(const Given& visit);
  void note(OpenMessage& message, const TargetResult& result);
  void log_result(const OpenMessage& message, const TargetResult& result) const;
  void log_deferred(const OpenMessage& message, const TargetResult& result,
                    const queue::PartProgress& progress) const;
  void owe(const OpenMessage& message, const TargetResults& results);
  void record(const OpenMessage& message, const queue::PartProgress& progress, const TargetResults& results);
  queue::PartProgress progress_of(const Given& visit) const;
  void visit_over(const Given& visit);

  bool is_owed(QueueId id) const { return !queue_.index().owed(id).empty(); }
  void tell_owed(QueueId id);
  Reports::Targets take_owed(OpenMessage& message, queue::Success success);
  Reports::Done success_told(QueueId id, const Reports::Targets& targets);
  void report(OpenMessage& message);
  void reported(QueueId id, const std::vector<std::uint32_t>& targets, ReportResult result);
  void close_if_over(QueueId id);
  void complete(QueueId id);
  void hold_because(QueueId id, const std::string& problem);
  void overdue(const Schedule::Overdue& overdue);
  void expire(OpenMessage& message);
  void warn(OpenMessage& message);
  Reports::Targets unfinished(const OpenMessage& message);
  ReportedMessage reported_message(const OpenMessage& message) const;

  void count(const OpenMessage& message, DestinationKind kind, int sign);
  void arm_timer();
  void forget_unused();
  Schedule::Limits limits() const;
  void apply_limits();

  event::Loop& loop_;
  queue::Queue& queue_;
  const Config& config_;
  RouteDesk& routes_;
  Reports& reports_;
  queue::DestinationHolds& holds_;
  Schedule schedule_;
  DestinationNumber local_destination_;
  std::unordered_map<DestinationNumber, Wanted> wanted_;
  std::unordered_map<DestinationNumber, queue::TargetAnswer> failures_;
  std::unordered_set<QueueId> misplaced_;  // open, and to be placed again when it no longer is
  OpenMessages messages_;
  LocalDelivery local_;
  RelayDesk relays_;
  std::uint64_t local_octets_ = 0, remote_octets_ = 0;  // of messages under way
  std::size_t open_reports_ = 0;                        // of deadlines
  std::size_t success_reports_ = 0;                     // that are being made
  std::set<QueueId> owing_;                             // a report is owed, and not being made
  std::set<QueueId> put_off_;                           // the same, until the next sweep
  bool running_ = false;
  bool stopping_ = false;
  bool records_ = true;  // as far as the log has been told
  event::Timer due_;
  event::Timer sweep_;
};

}  // namespace mailroom::queued
