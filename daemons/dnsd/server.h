// dnsd: the channels.  What they ask is answered by the question desk.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemons/channels/dnsd.h"
#include "daemons/daemon.h"
#include "daemons/dnsd/question_desk.h"
#include "daemons/dnsd/resolver.h"

namespace mailroom::dnsd {

class Server final : public mailroom::Server {
 public:
  explicit Server(const Host& host) : host_{host} {}

  void start() override;
  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  void drain() override { host_.loop.stop(); }

 private:
  using Channel = event::ChannelHandler<DnsdToAsker, AskerToDnsd>;

  struct Asker {
    std::string peer;  // for the log
    std::unique_ptr<Channel> channel;
  };

  void gone(AskerKey key, event::ChannelEnd why);

  const Host& host_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<QuestionDesk> desk_;
  std::map<AskerKey, Asker> askers_;
  AskerKey last_asker_ = 0;
};

}  // namespace mailroom::dnsd
