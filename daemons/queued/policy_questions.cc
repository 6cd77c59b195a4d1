#include "daemons/queued/policy_questions.h"

#include <utility>

#include "daemons/base/channel_end.h"
#include "daemons/log.h"

namespace mailroom::queued {

void PolicyQuestions::attach(LeasedFd fd) {
  gone();
  channel_ = std::make_unique<Channel>(
      loop_, std::move(fd), 0,
      [this](PolicydAnswersQueued&& message, std::vector<Fd>&&) {
        std::visit([this](const auto& answer) { on_answer(answer); }, message);
      },
      [this](event::ChannelEnd why) {
        log_channel_end("queued-policyd", "policyd", why);
        gone();
      });
}

void PolicyQuestions::resolve_address(const std::string& address, OnAddress then) {
  if (!may_ask()) return then(nullptr);
  open_.emplace(++last_, std::move(then));
  channel_->send(ResolveAddress{last_, address});
}

void PolicyQuestions::find_sts_policy(const std::string& domain, const std::string& label, OnStsPolicy then) {
  if (!may_ask()) return then(nullptr);
  open_.emplace(++last_, std::move(then));
  channel_->send(FindStsPolicy{last_, domain, label});
}

void PolicyQuestions::tell(ReportRefused refusal, OnRefusal then) {
  if (!may_ask()) return then(nullptr);
  open_.emplace(++last_, std::move(then));
  refusal.question = last_;
  channel_->send(std::move(refusal));
}

void PolicyQuestions::tell(TlsOutcomes outcomes, OnCounted then) {
  if (!may_ask()) return then(nullptr);
  open_.emplace(++last_, std::move(then));
  outcomes.question = last_;
  channel_->send(outcomes);
}

// An answer to a question that was not asked, or was another one, changes nothing.
template <typename Answer>
void PolicyQuestions::on_answer(const Answer& answer) {
  const auto found = open_.find(answer.question);
  if (found == open_.end() || !std::holds_alternative<Then<Answer>>(found->second)) return;
  const Then<Answer> then = std::get<Then<Answer>>(std::move(found->second));
  open_.erase(found);
  then(&answer);
}

void PolicyQuestions::gone() {
  channel_.reset();
  for (auto& [question, waiting] : std::exchange(open_, {}))
    std::visit([](const auto& then) { then(nullptr); }, waiting);
}

}  // namespace mailroom::queued
