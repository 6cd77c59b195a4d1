// Spool, by sending content to queued on the connection's own channel.
#pragma once

#include <optional>

#include "daemons/smtpd/spool.h"
#include "libcommon/ipc/channel.h"

namespace mailroom {

class SpoolClient : public Spool {
 public:
  explicit SpoolClient(Fd to_queued) : queued_{std::move(to_queued)} {}

  void begin(TransactionId transaction) override;
  void write(std::string chunk) override;
  [[nodiscard]] Reply commit(std::string last) override;
  void abort() override;

 private:
  void send(std::string chunk, bool last);

  ipc::MessageChannel<ConnectionToQueued, QueuedToConnection> queued_;
  TransactionId transaction_ = 0;
};

}  // namespace mailroom
