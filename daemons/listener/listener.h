// The listener: root with SETUID, SETGID and SYS_CHROOT and nothing else, below an empty root directory.  It
// accepts, gives each connection an id, tells the servers, forks; it takes verdicts from policyd and starts
// sessions by them.  It reads no octet of any client (DESIGN.md sections 2 and 3).
//
// It has an epoll loop of its own rather than libevent: a child must not share an event base (SECURITY.md
// V21).
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemons/base/launch.h"
#include "daemons/channels/authd.h"
#include "daemons/channels/keyd.h"
#include "daemons/channels/policyd.h"
#include "daemons/channels/queued.h"
#include "daemons/listener/connection_table.h"
#include "daemons/listener/protocol.h"
#include "daemons/listener/supervisor_channel.h"
#include "daemons/listener/uid_pool.h"
#include "libcommon/ipc/channel.h"

namespace mailroom {

class Listener {
 public:
  Listener(const Launch& launch, const Protocol& protocol);
  // Opens what must be open, goes behind the walls, reports Ready and serves until told to drain.
  int run();

 private:
  using Slot = ConnectionTable::Slot;
  using Time = ConnectionTable::Time;
  using ChildChannel = ipc::MessageChannel<ListenerToChild, ChildToListener>;

  struct ListenSocket {
    Fd fd;
    ListenerConfig config;
    tls::ServerContext* tls = nullptr;  // null without certificates
  };
  struct Child {  // beside the entry of the ConnectionTable with the same slot
    ChildChannel channel;
    std::size_t socket = 0;  // index into sockets_
    // Of its connection, which the table may have forgotten when the process ends.
    ConnectionId connection = 0;
    IpAddress peer;
    bool has_signer = false;  // a channel to keyd, which it gets once
  };
  struct Session {
    ConnectionId connection = 0;
    AccountId account = 0;
    IpAddress peer;
    std::string name;
    Time started;
    Fd stop;  // closing it ends the session
  };
  // The far ends of a new connection's channels, until the child has them.
  struct NewConnection {
    Fd client, to_listener, to_authd, to_policyd, to_queued;
  };

  // What an epoll entry is about, in the upper half of its data; the lower half is an index.
  enum class Tag : std::uint32_t { control, signals, policyd, socket, child };

  static Time now() { return std::chrono::steady_clock::now(); }

  // set-up (listener.cc)
  void take_descriptors();
  void make_tls();
  void make_child_filters();
  tls::ServerContext* make_tls_context(const ListenerConfig& listener);
  void watch(int fd, Tag kind, std::uint32_t index = 0);

  // the loop (listener.cc)
  bool serve_one(Tag kind, std::uint32_t index);
  void attach(const AttachChannel& channel, LeasedFd fd);
  bool has_servers() const;
  void accept_once_connected();
  void drain(bool at_once);
  bool finished() const;
  void on_child_ended(pid_t pid, int status);

  // connections (connections.cc)
  void accept_some(std::size_t socket);
  void open_connection(std::size_t socket, Fd client);
  std::optional<NewConnection> connect_servers(ConnectionId id, const IpAddress& peer, Fd client,
                                               Child& child);
  void watch_sockets(int operation);
  void pause_accepting(const IpAddress& address, std::string_view reason);
  void stop_accepting();
  void resume_accepting();
  int on_time();
  bool report_closed();
  void abandon_connection(Slot slot, std::string_view reason);
  void turn_away(std::size_t socket, int client, const IpAddress& peer, ConnectionTable::Refusal why);
  void close_connection(Slot slot, std::string_view reason);
  void cut_off(Slot slot, std::string_view reason);
  void close_connections_of(const IpAddress& host, std::string_view reason);
  void end_channel(Slot slot);
  [[noreturn]] void become_child(Slot slot, std::size_t socket, NewConnection ends);

  // verdicts and hand-over (sessions.cc)
  void on_policyd();
  void on_child(Slot slot);
  void on_child_or_close(Slot slot);
  void hand_over(Slot slot, const HandOver& message, std::vector<Fd> descriptors);
  bool start_session(Slot slot, const ConnectionTable::Verdict& verdict, Fd start, Fd client);
  Fd open_account_directory(AccountId account);
  [[noreturn]] void become_session(const Session& session, int directory, Fd start, Fd client, Fd stop);
  void open_signer(Slot slot);

  // Whether the server has it.  One that has closed its end gets another by the supervisor.
  template <typename Server, typename Message>
  static bool tell(Server& server, const Message& message, std::span<const int> descriptors = {}) {
    if (!server.is_open()) return false;
    const auto sent = server.send(message, descriptors, ipc::PacketSocket::Wait::no);
    if (sent == ipc::SendResult::closed) server.close();
    return sent == ipc::SendResult::sent;
  }

  ConnectionId new_id();

  const Launch& launch_;
  const Config& config_;
  const Protocol& protocol_;
  const Service service_;
  PassedDescriptors passed_;
  std::vector<ListenSocket> sockets_;
  Fd spool_mail_;
  std::vector<std::unique_ptr<tls::ServerContext>> tls_;  // one for each way in which sockets_ want TLS
  std::optional<SystemCallFilter> before_login_filter_;   // none: children keep the listener's
  std::optional<SystemCallFilter> session_filter_;
  Fd epoll_;
  Fd signals_;
  SupervisorChannel control_;
  ipc::MessageChannel<ListenerToAuthd, ConnectionToAuthd> authd_;  // authd never speaks here
  ipc::MessageChannel<ListenerToPolicyd, PolicydToListener> policyd_;
  ipc::MessageChannel<ListenerToQueued, ConnectionToQueued> queued_;  // nor does queued
  ipc::MessageChannel<ListenerToKeyd, KeydToListener> keyd_;
  const UidPool uids_;
  ConnectionTable table_;
  std::deque<Child> children_;  // by slot, as far as slots have been used; see ConnectionTable
  std::unordered_map<pid_t, Slot>
      slot_of_;  // of every process that is not reaped, also when its connection is over
  std::unordered_map<pid_t, Session> sessions_;
  std::array<ConnectionId, 64> random_{};
  std::size_t random_left_ = 0;
  std::deque<ConnectionId> unreported_;  // closed, and policyd does not know yet
  std::optional<Time> tell_ends_;        // then it is told
  bool accepting_ = false;
  std::optional<Time> accept_again_;  // accepting pauses until then
  bool draining_ = false;
  bool crashed_ = false;  // a child has; the supervisor knows
};

}  // namespace mailroom
