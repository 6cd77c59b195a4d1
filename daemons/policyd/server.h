// policyd: the channels, and which connection is which listener's.  What they say is handled by the desks.
#pragma once

#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemons/base/dns_client.h"
#include "daemons/base/tool_sessions.h"
#include "daemons/daemon.h"
#include "daemons/policyd/account_desk.h"
#include "daemons/policyd/device_desk.h"
#include "daemons/policyd/grant_desk.h"
#include "daemons/policyd/judge.h"
#include "daemons/policyd/login_desk.h"
#include "daemons/policyd/mail_desk.h"
#include "daemons/policyd/own_mail.h"
#include "daemons/policyd/peers.h"
#include "daemons/policyd/question_desk.h"
#include "daemons/policyd/report_desk.h"
#include "daemons/policyd/sts_desk.h"
#include "daemons/policyd/suspension_desk.h"
#include "daemons/policyd/web_desk.h"

namespace mailroom::policyd {

// Connections of all listeners together; one more is turned away.  Fewer than the descriptors a process may
// have.
inline constexpr std::size_t kMaxConnections = 15'000;

// Shortened by tests.
struct Times {
  std::chrono::milliseconds verdict = kVerdictTime;
  std::chrono::milliseconds authorise = kAuthoriseTime;
  GrantDesk::SystemClock system_clock = [] { return static_cast<std::uint64_t>(std::time(nullptr)); };
};

class Server final : public mailroom::Server, private Peers {
 public:
  explicit Server(const Host& host, Times times = {});
  ~Server() override;

  void start() override;
  // Loads what domains of other scripts need.
  void before_jail() override;
  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  void drain() override;
  void reconfigured() override;
  void on_supervisor(const AccountDirectoriesMade& message) override;

  // Takes over a connection to a tool; the control socket's are accepted without it.
  void add_tool(Fd fd) { tools_.add(std::move(fd)); }

 private:
  using ListenerChannel = event::ChannelHandler<PolicydToListener, ListenerToPolicyd>;
  using AuthdChannel = event::ChannelHandler<PolicydToAuthd, AuthdToPolicyd>;
  using QueuedChannel = event::ChannelHandler<PolicydToQueued, QueuedToPolicyd>;

  struct Listener {
    Service service = Service::mx;
    std::string peer;  // for the log
    std::unique_ptr<ListenerChannel> channel;
  };

  void attach_listener(Service service, const std::string& peer, LeasedFd fd);
  void attach_authd(LeasedFd fd);
  void attach_queued(LeasedFd fd);
  void set_up_transport();
  void send_notice(const std::string& to, std::string notice, std::function<void(SuspensionDesk::Sent)> then);

  void on_listener(ListenerKey key, ListenerToPolicyd&& message, std::vector<Fd>&& descriptors);
  // What no honest listener says; nothing when all is well.
  const char* opened(ListenerKey key, const ConnectionOpened& message, std::vector<Fd>&& descriptors);
  const char* closed(ListenerKey key, const ConnectionClosed& message);
  const char* taken(ListenerKey key, const VerdictTaken& message);
  void forget(ConnectionId connection);
  void listener_gone(ListenerKey key);

  // Peers
  const Connection* find(ConnectionId id) override;
  void tell_authd(const PolicydToAuthd& message) override;
  void tell_listener(ListenerKey listener, const PolicydToListener& message) override;
  void tell_session_listeners(const EndSessions& message) override;
  void tell_supervisor(const ProcessToSupervisor& message) override { host_.tell_supervisor(message); }
  bool tell_queued(const PolicydToQueued& message) override;
  void queued_gone();

  const Host& host_;
  const Times times_;
  ToolSessions<PolicydToTool, ToolToPolicyd> tools_;
  DnsClient dns_;
  std::optional<state::Directory> directory_;
  std::optional<GrantDesk> grants_;
  std::optional<policy::LimitBook> limits_;
  std::optional<LimitKeeper> limit_keeper_;
  std::optional<Judge> judge_;
  NameDesk names_{dns_};
  std::unique_ptr<LoginDesk> logins_;
  std::unique_ptr<MailDesk> mail_;
  OwnMail own_mail_{*this};
  std::optional<AccessDesk> access_;
  std::optional<DeviceDesk> devices_;
  std::optional<SuspensionDesk> suspensions_;
  std::unique_ptr<AccountDesk> accounts_;
  WebDesk web_;
  std::optional<StsDesk> sts_;
  std::optional<ReportDesk> tls_reports_;
  std::optional<QuestionDesk> questions_;
  std::map<ListenerKey, Listener> listeners_;
  ListenerKey last_listener_ = 0;
  std::map<ConnectionId, Connection> connections_;
  std::unique_ptr<AuthdChannel> authd_;
  std::unique_ptr<QueuedChannel> queued_;
};

}  // namespace mailroom::policyd
