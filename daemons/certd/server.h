// certd: handshakes for authd.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemons/channels/certd.h"
#include "daemons/daemon.h"
#include "libcommon/event/channel_handler.h"
#include "libcommon/tls/client_verifier.h"

namespace mailroom::certd {

// What the verifier finds, as it goes to authd.
CertdToAuthd answer(const tls::ClientVerifier& verifier, const CheckHandshake& question,
                    std::chrono::sys_seconds now);

class Server final : public mailroom::Server {
 public:
  // Reads the authorities and what they have revoked; throws std::runtime_error, saying why, when they cannot
  // be used.
  explicit Server(const Host& host);

  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  void drain() override { host_.loop.stop(); }

 private:
  using Channel = event::ChannelHandler<CertdToAuthd, AuthdToCertd>;

  const Host host_;
  tls::ClientVerifier verifier_;
  std::unique_ptr<Channel> authd_;
};

}  // namespace mailroom::certd
