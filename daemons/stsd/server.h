// stsd: the channel to policyd.
#pragma once

#include <memory>
#include <string>

#include "daemons/channels/stsd.h"
#include "daemons/daemon.h"
#include "daemons/stsd/web_client.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom::stsd {

class Server final : public mailroom::Server {
 public:
  explicit Server(const Host& host);

  void before_jail() override;
  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  void drain() override { host_.loop.stop(); }

 private:
  using Channel = event::ChannelHandler<StsdToPolicyd, PolicydToStsd>;

  void serve(FetchStsFile&& wanted);
  void serve(PostTlsReport&& wanted);
  // Sends it, unless the channel that has asked is gone: a policyd that was started afresh counts its
  // questions from one again, and would take this for the answer to one of its own.
  template <typename Answer>
  void answer(std::uint64_t channel, const Answer& answer);

  const Host& host_;
  std::unique_ptr<WebClient> web_;
  std::unique_ptr<Channel> policyd_;
  std::uint64_t channel_ = 0;  // counts those of policyd
};

}  // namespace mailroom::stsd
