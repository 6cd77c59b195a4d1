#include "daemons/policyd/own_mail.h"

#include <utility>

namespace mailroom::policyd {

std::string own_address(const Config& config) {
  return "postmaster@" + (config.domains.empty() ? config.hostname : config.domains.front());
}

void OwnMail::send(std::string reverse_path, Recipient recipient, std::string content, Done done) {
  if (waiting_.size() >= kMaxUnanswered || content.size() > kMaxSubmitted) return done(0);
  SubmitMessage message{.number = ++last_,
                        .reverse_path = std::move(reverse_path),
                        .eight_bit = false,
                        .recipient = std::move(recipient),
                        .content = std::move(content)};
  if (!peers_.tell_queued(std::move(message))) return done(0);
  waiting_.emplace(last_, std::move(done));
}

void OwnMail::submitted(const Submitted& answer) {
  if (auto waiting = waiting_.extract(answer.number)) waiting.mapped()(answer.queue_id);
}

void OwnMail::queued_gone() {
  for (auto& [number, done] : std::exchange(waiting_, {})) done(0);
}

}  // namespace mailroom::policyd
