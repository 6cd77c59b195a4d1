#include "daemons/dnsd/server.h"

#include "daemons/base/channel_end.h"
#include "daemons/log.h"

namespace mailroom::dnsd {

void Server::start() {
  resolver_ = std::make_unique<Resolver>(host_.loop, host_.config.dnsd);
  desk_ = std::make_unique<QuestionDesk>(host_.loop, *resolver_,
                                         [this](AskerKey asker, const DnsdToAsker& answer) {
                                           if (const auto found = askers_.find(asker); found != askers_.end())
                                             found->second.channel->send(answer);
                                         });
}

void Server::attach(const std::string& kind, const std::string& peer, LeasedFd fd) {
  if (kind != "queued-dnsd" && kind != "policyd-dnsd")
    log::fatal("a channel of a kind that dnsd does not have");
  const AskerKey key = ++last_asker_;
  auto channel = std::make_unique<Channel>(
      host_.loop, std::move(fd), 0,
      [this, key](AskerToDnsd&& question, std::vector<Fd>&&) {
        desk_->ask(key, question, host_.config.dnsd.timeout);
      },
      [this, key](event::ChannelEnd why) { gone(key, why); });
  askers_.emplace(key, Asker{peer, std::move(channel)});
}

void Server::gone(AskerKey key, event::ChannelEnd why) {
  log_channel_end("dnsd", askers_.at(key).peer, why);
  desk_->forget(key);
  askers_.erase(key);
}

}  // namespace mailroom::dnsd
