// authd: the channels.  What they say is handled by the desks.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemons/authd/credential_desk.h"
#include "daemons/authd/login_desk.h"
#include "daemons/authd/secret_desk.h"
#include "daemons/authd/secret_store.h"
#include "daemons/base/tool_sessions.h"
#include "daemons/daemon.h"
#include "libcommon/event/thread_pool.h"

namespace mailroom::authd {

// Connections of all listeners together; one more is turned away.  Fewer than the descriptors a process may
// have.
inline constexpr std::size_t kMaxConnections = 15'000;

class Server final : public mailroom::Server {
 public:
  explicit Server(const Host& host);
  ~Server() override;

  void before_jail() override;
  void start() override;
  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  void drain() override { host_.loop.stop(); }
  void reconfigured() override { logins_->reconfigured(); }

  // Takes over a connection to a tool; the control socket's are accepted without it.
  void add_tool(Fd fd) { tools_.add(std::move(fd)); }

 private:
  using ListenerKey = std::uint64_t;
  // authd never speaks to a listener: what is sent here would be for a connection.
  using ListenerChannel = event::ChannelHandler<AuthdToConnection, ListenerToAuthd>;
  using PolicydChannel = event::ChannelHandler<AuthdToPolicyd, PolicydToAuthd>;

  struct Listener {
    Service service;
    std::string peer;  // for the log
    std::unique_ptr<ListenerChannel> channel;
  };

  void on_tool(ToolId tool, SecretRequest&& request);
  void on_tool(ToolId tool, CredentialRequest&& request);
  void attach_policyd(LeasedFd fd);
  void attach_listener(Service service, const std::string& peer, LeasedFd fd);
  void on_listener(ListenerKey key, const ListenerToAuthd& message, std::vector<Fd>&& descriptors);
  // What no honest listener says; nothing when all is well.
  const char* opened(ListenerKey key, const ConnectionOpened& message, std::vector<Fd>&& descriptors);
  const char* closed(ListenerKey key, const ConnectionClosed& message);
  void forget_ended();
  void listener_gone(ListenerKey key);
  bool tell_policyd(const AuthdToPolicyd& message);

  const Host& host_;
  ToolSessions<AuthdToTool, ToolToAuthd> tools_;
  std::optional<SecretStore> store_;
  std::unique_ptr<event::ThreadPool> pool_;
  std::unique_ptr<TicketDesk> tickets_;
  std::unique_ptr<CertificateDesk> certificates_;
  std::unique_ptr<LoginDesk> logins_;
  std::unique_ptr<SecretDesk> secrets_;
  std::unique_ptr<CredentialDesk> credentials_;
  std::map<ListenerKey, Listener> listeners_;
  ListenerKey last_listener_ = 0;
  std::map<ConnectionId, ListenerKey> connections_;
  std::unique_ptr<PolicydChannel> policyd_;
};

}  // namespace mailroom::authd
