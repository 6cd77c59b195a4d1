// deliverd: its one channel, and the thread that makes batches durable.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemons/daemon.h"
#include "daemons/deliverd/mail_drop.h"
#include "spool/queue/worker.h"

namespace mailroom::deliverd {

class Server final : public mailroom::Server {
 public:
  explicit Server(const Host& host);
  ~Server() override;

  // Opens the current directory, which holds the accounts' directories.
  void start() override;
  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  // What is not reported yet will be delivered again, and recognised.
  void drain() override { host_.loop.stop(); }

 private:
  using QueuedChannel = event::ChannelHandler<DeliverdToQueued, QueuedToDeliverd>;

  void deliver(Deliver&& message, std::vector<Fd>&& descriptors);
  void make_durable();
  void report(const Batch& batch, bool durable);

  const Host& host_;
  Fd accounts_;
  std::optional<MailDrop> drop_;
  std::optional<queue::ThreadWorker> worker_;
  std::unique_ptr<event::ReadWatch> worker_watch_;
  std::unique_ptr<QueuedChannel> queued_;
  event::Timer batch_timer_;
  bool syncing_ = false;
};

}  // namespace mailroom::deliverd
