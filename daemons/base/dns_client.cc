#include "daemons/base/dns_client.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "daemons/base/channel_end.h"
#include "daemons/log.h"

namespace mailroom {
namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kNoDnsd = "dnsd does not answer";

}  // namespace

DnsClient::DnsClient(event::Loop& loop, std::chrono::milliseconds timeout)
    : loop_{loop}, patience_{timeout + kGrace}, expiry_{loop, [this] { expire(); }} {}

void DnsClient::attach(const std::string& kind, const std::string& peer, LeasedFd fd) {
  gone();
  channel_ = std::make_unique<Channel>(
      loop_, std::move(fd), 0, [this](DnsdToAsker&& message, std::vector<Fd>&&) { answered(message); },
      [this, kind, peer](event::ChannelEnd why) {
        log_channel_end(kind, peer, why);
        gone();
      });
  for (const auto& [number, open] : open_) channel_->send(open.question);
}

// Who hears of a failure may ask again.
void DnsClient::gone() {
  if (!channel_) return;
  channel_.reset();
  std::vector<OnAny> given_up;
  for (auto& [number, open] : open_)
    if (++open.ends >= kMostEnds) given_up.push_back(std::move(open.on_answer));
  std::erase_if(open_, [](const auto& each) { return each.second.ends >= kMostEnds; });
  for (const OnAny& on_answer : given_up) fail(on_answer);
}

void DnsClient::look_up(dns::Type type, std::string name, OnAnswer on_answer) {
  ask(LookUp{0, type, std::move(name), {}}, std::move(on_answer));
}

void DnsClient::look_up_names(const IpAddress& address, OnAnswer on_answer) {
  ask(LookUp{0, dns::Type::ptr, {}, address}, std::move(on_answer));
}

void DnsClient::find_mail_hosts(FindMailHosts question, OnMailHosts on_hosts) {
  ask(std::move(question), std::move(on_hosts));
}

void DnsClient::ask(AskerToDnsd question, OnAny on_answer) {
  const DnsQuestionId number = ++last_;
  std::visit([&](auto& any) { any.question = number; }, question);
  if (channel_) channel_->send(question);
  open_.emplace(number, Open{std::move(question), std::move(on_answer), Clock::now() + patience_});
  if (open_.size() == 1) watch();
}

void DnsClient::answered(const DnsdToAsker& message) {
  const DnsQuestionId number = std::visit([](const auto& any) { return any.question; }, message);
  const auto found = open_.find(number);
  if (found == open_.end()) return;  // too late
  const auto on_answer = std::move(found->second.on_answer);
  open_.erase(found);
  const auto* looked_up = std::get_if<LookedUp>(&message);
  const auto* hosts = std::get_if<MailHostsFound>(&message);
  if (looked_up != nullptr && std::holds_alternative<OnAnswer>(on_answer))
    return std::get<OnAnswer>(on_answer)(looked_up->answer);
  if (hosts != nullptr && std::holds_alternative<OnMailHosts>(on_answer))
    return std::get<OnMailHosts>(on_answer)(hosts->found);
  log::write("peer-misbehaved", {{"channel", "dnsd"}, {"reason", "an answer of another kind"}});
  fail(on_answer);
}

void DnsClient::fail(const OnAny& on_answer) {
  if (const auto* on_hosts = std::get_if<OnMailHosts>(&on_answer)) {
    dns::MailHosts hosts;
    hosts.problem = kNoDnsd;
    return (*on_hosts)(hosts);
  }
  dns::Answer answer;
  answer.problem = kNoDnsd;
  std::get<OnAnswer>(on_answer)(answer);
}

void DnsClient::expire() {
  while (!open_.empty() && open_.begin()->second.until <= Clock::now()) {
    const auto on_answer = std::move(open_.begin()->second.on_answer);
    open_.erase(open_.begin());
    fail(on_answer);
  }
  if (!open_.empty()) watch();
}

void DnsClient::watch() {
  const auto wait = std::chrono::ceil<std::chrono::microseconds>(open_.begin()->second.until - Clock::now());
  expiry_.start(std::max(wait, std::chrono::microseconds{0}));
}

}  // namespace mailroom
