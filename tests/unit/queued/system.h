// A queued in this process, and everyone who speaks to it.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/channels/dnsd.h"
#include "daemons/channels/relayd.h"
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
using QuestionsEnd = ipc::MessageChannel<PolicydAnswersQueued, QueuedAsksPolicyd>;
using DeliverdEnd = ipc::MessageChannel<DeliverdToQueued, QueuedToDeliverd>;
using RelaydEnd = ipc::MessageChannel<RelaydToQueued, QueuedToRelayd>;
using RelayEnd = ipc::MessageChannel<RelayToQueued, QueuedToRelay>;
using DnsdEnd = ipc::MessageChannel<DnsdToAsker, AskerToDnsd>;
using AnswersEnd = ipc::MessageChannel<PolicydAnswersQueued, QueuedAsksPolicyd>;
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
  // Reloads the configuration with a change.
  void reconfigure(const std::function<void(Config&)>& change);

  // As after the end of the process.
  void restart();

  // Whether a server that was told to end has ended by now, and whether it does so in time.
  bool has_ended() { return ends(std::chrono::milliseconds{50}); }
  bool ends(std::chrono::milliseconds patience = std::chrono::seconds{2});

  // Runs the loop until the condition holds; false after a minute.
  bool run_until(const std::function<bool()>& condition);
  // Lets queued do all that it can do now: nothing more comes of it but by time or by what others say.
  void settle();

  ConnectionEnd connect(ConnectionId id, Service service = Service::mx);
  void attach_deliverd();
  void attach_policyd();
  void attach_relayd();
  void attach_dnsd();
  void attach_questions();
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
  // Whether nothing has come there, however long one waits, and the channel is open.
  template <typename End>
  bool is_silent(End& end) {
    settle();
    const auto got = end.receive(End::Wait::no, 1);
    return !got && got.error() == ipc::ReceiveError::would_block;
  }
  bool asks_for_no_relay() { return is_silent(relayd); }
  // The same for remote recipients, of whom each is one of `domain`.
  Authorised authorise_remote(ConnectionId connection, std::uint32_t recipients = 1,
                              const std::string& domain = "far.test", std::uint8_t notify = 0);
  // A message for them, accepted.  Its id.
  QueueId send_remote(ConnectionId connection, std::uint32_t recipients = 1,
                      const std::string& domain = "far.test");
  // The process that relayd is asked for next; `connect` is what it is told first.  Not open when none is
  // asked for.
  RelayEnd relay();
  Connect connect_asked;
  OpenRelay relay_asked;
  // The next message that a relay process is handed; with queue id 0 when none comes.
  Send handed(RelayEnd& relay);

  // The reply to the content; code 0 when none comes.
  Reply reply(ConnectionEnd& connection);
  // The next delivery; with queue id 0 when none comes.
  Deliver delivery();
  void answer(const DeliverdToQueued& message) { deliverd.send(message); }

  ListenerEnd mx, submission;
  // Answers what is asked of policyd on queued's own account, until nothing more comes: nobody has any
  // address.
  void answer_that_nobody_is_there();

  PolicydEnd policyd;
  QuestionsEnd questions;
  DeliverdEnd deliverd;
  RelaydEnd relayd;
  DnsdEnd dnsd;
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
