// krbd: tickets for authd.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemons/channels/krbd.h"
#include "daemons/daemon.h"
#include "libcommon/event/channel_handler.h"
#include "libcommon/kerberos/acceptor.h"

namespace mailroom::krbd {

// GSSAPI exchanges at the same time: one for each connection that authd may have.
inline constexpr std::size_t kMaxExchanges = 15'000;

class Server final : public mailroom::Server {
 public:
  // Reads the keytab, and throws when it cannot be used.
  explicit Server(const Host& host);

  void before_jail() override;
  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  void drain() override { host_.loop.stop(); }

 private:
  using Channel = event::ChannelHandler<KrbdToAuthd, AuthdToKrbd>;

  void on_message(AuthdToKrbd&& message);
  void handle(StartGssapi&& message);
  void handle(const RespondGssapi& message);
  void handle(const DropTicket& message) { exchanges_.erase(message.ticket); }
  void handle(const CheckRequest& message);
  void answer(TicketId ticket, kerberos::GssExchange::Step&& step);
  void refuse(TicketId ticket, const kerberos::Refusal& refusal);
  void misbehaved(const char* reason);

  const Host& host_;
  std::optional<kerberos::Keytab> keytab_;
  std::map<TicketId, kerberos::GssExchange> exchanges_;
  std::unique_ptr<Channel> authd_;
};

}  // namespace mailroom::krbd
