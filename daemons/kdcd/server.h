// kdcd: passwords for tickets.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemons/channels/kdcd.h"
#include "daemons/daemon.h"
#include "libcommon/event/channel_handler.h"
#include "libcommon/event/thread_pool.h"

namespace mailroom::kdcd {

class Server final : public mailroom::Server {
 public:
  explicit Server(const Host& host);

  void before_jail() override;
  void start() override;
  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  void drain() override { host_.loop.stop(); }

 private:
  using Channel = event::ChannelHandler<KdcdToAuthd, AuthdToKdcd>;

  void on_request(RequestTicket&& request);

  const Host& host_;
  std::string service_;  // for which tickets are asked
  std::optional<event::ThreadPool> pool_;
  std::shared_ptr<Channel> authd_;
};

}  // namespace mailroom::kdcd
