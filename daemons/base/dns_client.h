// The asking end of the channel to dnsd (daemons/channels/dnsd.h), for queued and policyd.
//
// Every question is answered once, from the loop and not from within the call, whatever becomes of dnsd:
// while it is started afresh, questions wait and are asked again; after `patience` the lookup has failed, and
// after kMostEnds of dnsd too, since the question may be why it ends.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "daemons/channels/dnsd.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom {

class DnsClient {
 public:
  using OnAnswer = std::function<void(const dns::Answer&)>;
  using OnMailHosts = std::function<void(const dns::MailHosts&)>;

  // Added to dnsd.timeout: the time that dnsd needs to be there again.
  static constexpr std::chrono::seconds kGrace{15};
  // That a question was open at; the first may have been another one's fault.
  static constexpr unsigned kMostEnds = 2;

  // `timeout` is dnsd.timeout.
  DnsClient(event::Loop& loop, std::chrono::milliseconds timeout);
  // For questions from now on.
  void set_timeout(std::chrono::milliseconds timeout) { patience_ = timeout + kGrace; }

  // A new end of the channel, of the row that is named (for the log).
  void attach(const std::string& kind, const std::string& peer, LeasedFd fd);

  // Not for PTR; the name in A-labels.
  void look_up(dns::Type type, std::string name, OnAnswer on_answer);
  // The names of an address.
  void look_up_names(const IpAddress& address, OnAnswer on_answer);
  void find_mail_hosts(FindMailHosts question, OnMailHosts on_hosts);  // the number is set here

  std::size_t open() const { return open_.size(); }

 private:
  using Channel = event::ChannelHandler<AskerToDnsd, DnsdToAsker>;
  using Time = std::chrono::steady_clock::time_point;
  using OnAny = std::variant<OnAnswer, OnMailHosts>;
  struct Open {
    AskerToDnsd question;
    OnAny on_answer;
    Time until;
    unsigned ends = 0;  // of dnsd, since it was asked
  };

  void ask(AskerToDnsd question, OnAny on_answer);
  void answered(const DnsdToAsker& message);
  void fail(const OnAny& on_answer);
  void gone();
  void expire();
  void watch();

  event::Loop& loop_;
  std::chrono::milliseconds patience_;
  std::unique_ptr<Channel> channel_;
  std::map<DnsQuestionId, Open> open_;  // ascending in number, and in time but for a change of the timeout
  DnsQuestionId last_ = 0;
  event::Timer expiry_;
};

}  // namespace mailroom
