#include "daemons/queued/own_mail.h"

#include <memory>
#include <utility>

#include "daemons/log.h"
#include "daemons/queued/clock.h"

namespace mailroom::queued {

void OwnMail::send(QueueId id, queue::Envelope envelope, const Recipient& recipient, std::string content,
                   Done done, std::optional<queue::Status> settles) {
  envelope.connection = 0;
  envelope.recipients = {
      {recipient.address, recipient.parameters.orcpt, recipient.parameters.notify, recipient.domain}};
  envelope.targets.clear();
  for (const AccountId account : recipient.accounts) envelope.targets.push_back({0, account});
  if (envelope.targets.empty()) envelope.targets.push_back({0, 0});
  auto incoming = queue_.begin(id);
  const std::uint64_t size = content.size();
  if (queue_.broken() || !queue_.has_space() ||
      incoming->add(std::move(content)) != queue::Incoming::Problem::none)
    return done(0);
  auto shared = std::make_shared<const queue::Envelope>(std::move(envelope));
  queue_.accept(
      std::move(incoming), *shared, microseconds_now(),
      [this, id, size, shared, done = std::move(done)](queue::Outcome outcome, queue::SharedContent stored) {
        if (outcome != queue::Outcome::durable) return done(0);
        log::write("message-queued", {{"queue", queue::id_text(id)},
                                      {"sender", shared->reverse_path},
                                      {"recipients", 1},
                                      {"size", size}});
        on_accepted_(id, *shared, std::move(stored));
        done(id);
      },
      std::move(settles));
}

}  // namespace mailroom::queued
