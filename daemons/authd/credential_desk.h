// Credentials for other hosts: what mr-credential keeps here, and what a relay process may have of it.
//
// Which route a process may ask for is said by relayd's listener, when it brings that process's channel; what
// arrives on the channel is a wish, and no more.  Credentials are kept with the target that they were given
// for: when the configuration leads the route elsewhere, they are not handed out until they are set anew.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemons/authd/secret_store.h"
#include "daemons/channels/relayd.h"
#include "daemons/channels/tools_authd.h"
#include "daemons/config.h"
#include "libcommon/event/channel_handler.h"
#include "libcommon/ipc/channel.h"

namespace mailroom::authd {

// Relay processes at the same time; a further one gets no channel.
inline constexpr std::size_t kMaxRelays = 2'000;
// Octets of a user name (RFC 4616 sets no limit; RFC 4954 bounds the line that carries it).
inline constexpr std::size_t kMaxUser = 255;

class CredentialDesk {
 public:
  CredentialDesk(event::Loop& loop, const Config& config, SecretStore& store);
  ~CredentialDesk();

  // A tool's request is carried out and answered at once.
  AuthdToTool answer(CredentialRequest&& request);

  void attach_relayd(LeasedFd fd);

 private:
  struct Nothing {
    static auto fields(auto&) { return std::tie(); }
  };
  using ListenerChannel = event::ChannelHandler<std::variant<Nothing>, RelaydToAuthd>;
  struct Relay;

  AuthdToTool handle(SetCredentials& request);
  AuthdToTool handle(const RemoveCredentials& request);
  AuthdToTool handle(const ListCredentials& request);

  void on_listener(const OpenCredentials& message, std::vector<Fd>&& descriptors);
  void on_relay(RelayId id);
  std::optional<StoredCredentials> find(std::uint32_t ticket);
  void hand_out(Relay& relay);

  event::Loop& loop_;
  const Config& config_;
  SecretStore& store_;
  std::unique_ptr<ListenerChannel> relayd_;
  std::map<RelayId, std::unique_ptr<Relay>> relays_;
};

}  // namespace mailroom::authd
