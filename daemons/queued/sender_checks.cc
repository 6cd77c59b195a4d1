#include "daemons/queued/sender_checks.h"

#include <utility>

namespace mailroom::queued {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

void SenderChecks::check(spf::Identity identity, Then then) {
  if (open_.size() >= kMaxOpen) return then({});
  const IpAddress client = identity.client;
  go_on(open_.insert(open_.end(),
                     {client, spf::Check{std::move(identity)}, Clock::now() + kMaxTime, std::move(then)}));
}

void SenderChecks::go_on(Place open) {
  const spf::Check& check = open->check;
  const dns::Question* question = check.question();
  if (question == nullptr) return end(open, {check.result(), check.directive(), check.directive_domain()});
  if (Clock::now() >= open->until) return end(open, {});
  DnsClient::OnAnswer on_answer = [this, open](const dns::Answer& answer) {
    open->check.answered(answer);
    go_on(open);
  };
  if (question->type == dns::Type::ptr) return dns_.look_up_names(open->client, std::move(on_answer));
  dns_.look_up(question->type, question->name, std::move(on_answer));
}

void SenderChecks::end(Place open, const SenderVerdict& verdict) {
  const Then then = std::move(open->then);
  open_.erase(open);
  then(verdict);
}

}  // namespace mailroom::queued
