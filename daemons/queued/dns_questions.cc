#include "daemons/queued/dns_questions.h"

#include <utility>

#include "daemons/log.h"

namespace mailroom::queued {
namespace {

dns::MailHosts nobody_to_ask() {
  dns::MailHosts out;
  out.problem = "the resolver is not there";
  return out;
}

}  // namespace

void DnsQuestions::attach(Fd fd) {
  gone();
  channel_ = std::make_unique<Channel>(
      loop_, std::move(fd), 0,
      [this](DnsdToAsker&& message, std::vector<Fd>&&) {
        if (const auto* answer = std::get_if<MailHostsFound>(&message)) on_answer(*answer);
      },
      [this](event::ChannelEnd why) {
        log::write("channel-closed",
                   {{"channel", "queued-dnsd"}, {"peer", "dnsd"}, {"reason", event::channel_end_name(why)}});
        gone();
      });
}

void DnsQuestions::find_mail_hosts(const std::string& domain, bool fixed, std::uint16_t port, Then then) {
  if (!channel_) return then(nobody_to_ask());
  open_.emplace(++last_, std::move(then));
  channel_->send(FindMailHosts{last_, domain, fixed, port});
}

void DnsQuestions::on_answer(const MailHostsFound& answer) {
  const auto found = open_.find(answer.question);
  if (found == open_.end()) return;
  const Then then = std::move(found->second);
  open_.erase(found);
  then(answer.found);
}

void DnsQuestions::gone() {
  channel_.reset();
  for (auto& [question, then] : std::exchange(open_, {})) then(nobody_to_ask());
}

}  // namespace mailroom::queued
