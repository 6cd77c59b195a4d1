// What queued asks dnsd: the hosts of mail domains.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "daemons/channels/dnsd.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom::queued {

class DnsQuestions {
 public:
  explicit DnsQuestions(event::Loop& loop) : loop_{loop} {}

  void attach(Fd fd);

  // Calls back once, from the loop or at once; when dnsd is away or goes away, with a failed lookup.
  using Then = std::function<void(const dns::MailHosts&)>;
  void find_mail_hosts(const std::string& domain, bool fixed, std::uint16_t port, Then then);

 private:
  using Channel = event::ChannelHandler<AskerToDnsd, DnsdToAsker>;

  void on_answer(const MailHostsFound& answer);
  void gone();

  event::Loop& loop_;
  std::unique_ptr<Channel> channel_;
  std::unordered_map<DnsQuestionId, Then> open_;
  DnsQuestionId last_ = 0;
};

}  // namespace mailroom::queued
