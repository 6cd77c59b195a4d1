#include "daemons/stsd/server.h"

#include <fstream>
#include <iterator>

#include "daemons/base/channel_end.h"
#include "daemons/log.h"

namespace mailroom::stsd {
namespace {

std::string read_authorities(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::string bundle{std::istreambuf_iterator<char>{file}, {}};
  if (bundle.empty()) log::write("authorities-missing", {{"file", path}});
  return bundle;
}

}  // namespace

Server::Server(const Host& host) : host_{host} {}

void Server::before_jail() {
  web_ = std::make_unique<WebClient>(host_.loop,
                                     WebClient::Settings{read_authorities(host_.config.outbound_tls.ca_file),
                                                         static_cast<std::uint16_t>(host_.config.stsd.port),
                                                         host_.config.stsd.timeout});
}

void Server::attach(const std::string& kind, const std::string& peer, LeasedFd fd) {
  if (kind != "policyd-stsd") log::fatal("a channel of a kind that stsd does not have");
  ++channel_;
  policyd_ = std::make_unique<Channel>(
      host_.loop, std::move(fd), 0,
      [this](PolicydToStsd&& message, std::vector<Fd>&&) {
        std::visit([this](auto&& wanted) { serve(std::move(wanted)); }, std::move(message));
      },
      [this, peer](event::ChannelEnd why) {
        log_channel_end("policyd-stsd", peer, why);
        policyd_.reset();
      });
}

template <typename Answer>
void Server::answer(std::uint64_t channel, const Answer& answer) {
  if (policyd_ && channel == channel_) policyd_->send(answer);
}

void Server::serve(FetchStsFile&& wanted) {
  web_->fetch_policy(wanted.domain, wanted.addresses,
                     [this, channel = channel_, question = wanted.question](WebClient::Fetched&& fetched) {
                       answer(channel, StsFileFetched{question, std::move(fetched.file),
                                                      std::move(fetched.result), std::move(fetched.problem)});
                     });
}

void Server::serve(PostTlsReport&& wanted) {
  web_->post_report(wanted.host, wanted.path, wanted.addresses, std::move(wanted.report),
                    [this, channel = channel_, question = wanted.question](std::string&& problem) {
                      answer(channel, TlsReportPosted{question, std::move(problem)});
                    });
}

}  // namespace mailroom::stsd
