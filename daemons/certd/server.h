// certd: handshakes for authd.
#pragma once

#include <expected>
#include <memory>
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
  // Reads the authorities and what they have revoked.  When these cannot be used the log says so, and no
  // question is answered: a process that ends for them would be started again and again.
  explicit Server(const Host& host);

  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  void drain() override { host_.loop.stop(); }

 private:
  using Channel = event::ChannelHandler<CertdToAuthd, AuthdToCertd>;

  CertdToAuthd answer_to(const CheckHandshake& question) const;

  const Host host_;
  const std::expected<tls::ClientVerifier, std::string> verifier_;  // or why there is none
  std::unique_ptr<Channel> authd_;
};

}  // namespace mailroom::certd
