// A queued in this process, and everyone who speaks to it.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/log.h"
#include "daemons/queued/server.h"
#include "libcommon/ipc/channel.h"

namespace mailroom::queued::test {

// What no one sends on that channel.
struct Nothing {
  static auto fields(auto&) { return std::tie(); }
};

using ListenerEnd = ipc::MessageChannel<ListenerToQueued, std::variant<Nothing>>;
using PolicydEnd = ipc::MessageChannel<PolicydToQueued, QueuedToPolicyd>;
using ConnectionEnd = ipc::MessageChannel<ConnectionToQueued, QueuedToConnection>;
using DeliverdEnd = ipc::MessageChannel<DeliverdToQueued, QueuedToDeliverd>;
using ToolEnd = ipc::MessageChannel<ToolToQueued, QueuedToTool>;

// A directory of its own, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class System {
 public:
  explicit System(Config config = small_config());
  ~System();

  static Config small_config();

  // As after the end of the process.
  void restart();

  // Runs the loop until the condition holds; false after two seconds.
  bool run_until(const std::function<bool()>& condition);
  void settle();

  ConnectionEnd connect(ConnectionId id, Service service = Service::mx);
  void attach_deliverd();
  void attach_policyd();
  ToolEnd attach_tool();

  // policyd's answer.
  Authorised authorise(ConnectionId connection, TransactionId transaction, std::vector<AccountId> accounts,
                       std::vector<std::string> authors = {});

  // The next message that arrives at that end, if one does.
  template <typename End>
  auto receive(End& end) {
    using Received = decltype(end.receive()->message);
    std::optional<Received> out;
    run_until([&] {
      auto got = end.receive(End::Wait::no, 1);
      if (got) {
        descriptors = std::move(got->descriptors);
        out = std::move(got->message);
      }
      return out.has_value() || (!got && got.error() != ipc::ReceiveError::would_block);
    });
    return out;
  }
  // The reply to the content; code 0 when none comes.
  Reply reply(ConnectionEnd& connection);
  // The next delivery; with queue id 0 when none comes.
  Deliver delivery();
  void answer(const DeliverdToQueued& message) { deliverd.send(message); }

  ListenerEnd mx, submission;
  PolicydEnd policyd;
  DeliverdEnd deliverd;
  std::vector<Fd> descriptors;  // of the last packet received
  Server& server() { return *server_; }

 private:
  void start();

  TemporaryDirectory directory_;
  event::Loop loop_;
  Launch launch_;
  Host host_;
  std::unique_ptr<Server> server_;
};

}  // namespace mailroom::queued::test
