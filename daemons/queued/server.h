// queued: the durable queue behind its channels.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemons/base/dns_client.h"
#include "daemons/daemon.h"
#include "daemons/queued/dispatcher.h"
#include "daemons/queued/intake.h"
#include "daemons/queued/policy_questions.h"
#include "daemons/queued/report_desk.h"
#include "daemons/queued/route_desk.h"
#include "daemons/queued/sender_checks.h"
#include "daemons/queued/tls_outcomes.h"
#include "daemons/queued/tool_desk.h"
#include "spool/queue/destination_holds.h"
#include "spool/queue/directory_storage.h"
#include "spool/queue/queue.h"
#include "spool/queue/worker.h"

namespace mailroom::queued {

class Server final : public mailroom::Server {
 public:
  explicit Server(const Host& host);
  ~Server() override;

  // Opens the queue in the current directory and brings it back.  Fatal when that cannot be done.
  void start() override;
  // Learns the host's addresses, which routing must know and the jail does not show, and loads what decodes
  // text.
  void before_jail() override;
  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  // Ends the clients' connections, begins nothing more, and stops when what is under way to other hosts has
  // its outcome on disk (Dispatcher::stop) and policyd has counted what came of TLS.
  void drain() override;
  void reconfigured() override;

  // Takes over a connection to a tool.
  void add_tool(Fd fd) { tools_->add(std::move(fd)); }
  // Whether something waits for the disk.
  bool is_writing() const { return !log_worker_->is_idle() || !content_worker_->is_idle(); }

 private:
  void tick();
  bool is_drained() const;

  const Host& host_;
  Fd tools_socket_;
  std::optional<queue::DirectoryStorage> storage_;
  // Destroyed before what their jobs use.
  std::optional<queue::Queue> queue_;
  std::optional<queue::ThreadWorker> log_worker_;
  std::optional<queue::ThreadWorker> content_worker_;
  std::unique_ptr<event::ReadWatch> log_watch_;
  std::unique_ptr<event::ReadWatch> content_watch_;
  std::vector<IpAddress> interfaces_;
  DnsClient dns_;
  PolicyQuestions policy_;
  SenderChecks sender_checks_{dns_};
  TlsOutcomeBatch outcomes_{host_.loop, policy_};
  RouteDesk routes_;
  std::optional<queue::DestinationHolds> holds_;
  std::unique_ptr<ReportDesk> reports_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<ToolDesk> tools_;
  event::Timer tick_;
  std::optional<std::chrono::steady_clock::time_point> drain_until_;
  std::chrono::steady_clock::time_point retry_at_;  // of what the disk has refused  // told to end
};

}  // namespace mailroom::queued
