// An authd with everybody around it.  Delays are short and hashes cheap.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <memory>
#include <string>

#include "daemons/authd/server.h"
#include "libcommon/ipc/channel.h"
#include "tests/unit/daemon_host.h"

namespace mailroom::test {

using Listener = FarEnd<ListenerToAuthd, ConnectionToAuthd>;
using Child = FarEnd<ConnectionToAuthd, AuthdToConnection>;
using Policyd = FarEnd<PolicydToAuthd, AuthdToPolicyd>;
using Tool = FarEnd<ToolToAuthd, AuthdToTool>;

inline std::string plain(const std::string& name, const std::string& password,
                         const std::string& authzid = "") {
  return authzid + '\0' + name + '\0' + password;
}

class Authd : public DaemonHost {
 public:
  Authd() {
    launch.config.authd.failure_delay = std::chrono::milliseconds{30};
    launch.config.authd.max_failure_delay = std::chrono::milliseconds{120};
    launch.config.authd.yescrypt_cost = 1;
    start();
  }

  void start() {
    server.reset();
    server = std::make_unique<authd::Server>(host);
    server->start();
    imap = attach<Listener>("imapd-authd", "imapd#1");
    pop = attach<Listener>("pop3d-authd", "pop3d#1");
    devices = attach<Listener>("relay-authd", "smtpd-relay#1");
    policyd = attach<Policyd>("authd-policyd", "policyd#1");
    auto [ours, theirs] = ipc::make_channel();
    server->add_tool(std::move(ours));
    tool = Tool{std::move(theirs)};
  }

  template <typename End>
  End attach(const std::string& kind, const std::string& peer) {
    auto [ours, theirs] = ipc::make_channel();
    server->attach(kind, peer, std::move(ours));
    return End{std::move(theirs)};
  }

  Child open(ConnectionId id, const IpAddress& peer = {}, Service service = Service::imap) {
    auto [ours, theirs] = ipc::make_channel();
    (service == Service::relay ? devices : imap).send(ConnectionOpened{id, service, peer}, std::move(ours));
    return Child{std::move(theirs)};
  }

  // Lets the server work until `ready` says that it has.  On a busy machine a thread may take long for a
  // hash.
  template <typename Ready>
  auto wait_for(Ready ready) {
    constexpr std::chrono::seconds kPatience{60};
    const auto end = std::chrono::steady_clock::now() + kPatience;
    auto found = ready();
    while (!found && std::chrono::steady_clock::now() < end) {
      pump();
      found = ready();
    }
    return found;
  }

  template <typename Answer = Done>
  Answer ask(const ToolToAuthd& request) {
    tool.send(request);
    auto answer = wait_for([&] { return tool.next(); });
    REQUIRE(answer);
    REQUIRE(std::holds_alternative<Answer>(*answer));
    return std::get<Answer>(*answer);
  }
  void set_password(const std::string& name, const std::string& password) {
    ask(SetPassword{name, password});
  }

  AuthdToConnection answer(Child& child) {
    auto message = wait_for([&] { return child.next(); });
    REQUIRE(message);
    return *message;
  }

  // The end of an attempt by PLAIN, with policyd saying yes.
  AuthdToConnection log_in(Child& child, const std::string& message) {
    child.send(SaslStart{"PLAIN", message});
    return finish(child);
  }
  AuthdToConnection finish(Child& child) {
    auto result = wait_for([&]() -> std::optional<AuthdToConnection> {
      if (auto proved = policyd.next_as<NameProved>()) {
        last_proved = *proved;
        policyd.send(Admitted{proved->connection});
      }
      return child.next();
    });
    REQUIRE(result);
    return *result;
  }

  // The store, which another commit changes.
  static std::string stored() {
    std::ifstream file{"data.mdb", std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  std::unique_ptr<authd::Server> server;
  Listener imap, pop, devices;
  Policyd policyd;
  Tool tool;
  std::optional<NameProved> last_proved;
};

inline std::optional<LoginRefusal> refusal(const AuthdToConnection& answer) {
  const auto* failed = std::get_if<SaslFailed>(&answer);
  return failed == nullptr ? std::nullopt : std::optional{failed->failure};
}

}  // namespace mailroom::test
