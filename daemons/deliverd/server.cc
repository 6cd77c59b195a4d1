#include "daemons/deliverd/server.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemons/base/channel_end.h"
#include "daemons/log.h"
#include "spool/queue/queue_id.h"

namespace mailroom::deliverd {
namespace {

// Ids in one Delivered packet.
constexpr std::size_t kIdsPerReport = 1000;

}  // namespace

Server::Server(const Host& host) : host_{host}, batch_timer_{host.loop, [this] { make_durable(); }} {}

Server::~Server() = default;

void Server::start() {
  accounts_.reset(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!accounts_) log::fatal("the directory of the accounts cannot be opened");
  drop_.emplace(accounts_.get(), host_.config.uids,
                host_.launch.unprivileged ? MailDrop::Identity::unchanged : MailDrop::Identity::account);
  worker_.emplace();
  worker_watch_ =
      std::make_unique<event::ReadWatch>(host_.loop, worker_->event_fd(), [this] { worker_->dispatch(); });
}

void Server::attach(const std::string& kind, const std::string&, LeasedFd fd) {
  if (kind != "queued-deliverd") log::fatal("a channel of a kind that deliverd does not have");
  queued_ = std::make_unique<QueuedChannel>(
      host_.loop, std::move(fd), 1,
      [this](QueuedToDeliverd&& message, std::vector<Fd>&& descriptors) {
        deliver(std::move(std::get<Deliver>(message)), std::move(descriptors));
      },
      [this](event::ChannelEnd why) {
        log_channel_end("queued-deliverd", "queued", why);
        queued_.reset();
      });
}

void Server::deliver(Deliver&& message, std::vector<Fd>&& descriptors) {
  const auto put = drop_->put(message, descriptors.empty() ? Fd{} : std::move(descriptors.front()));
  if (!put) {
    log::write("delivery-failed", {{"queue", queue::id_text(message.id.queue_id)},
                                   {"recipient", message.id.recipient},
                                   {"account", message.account},
                                   {"reason", put.error().detail}});
    queued_->send(NotDelivered{message.id, put.error().kind, put.error().detail});
    return;
  }
  const std::size_t waiting = drop_->batch().ids().size();
  if (waiting >= host_.config.deliverd.batch_size)
    make_durable();
  else if (waiting == 1)
    batch_timer_.start(std::chrono::milliseconds{host_.config.deliverd.batch_delay});
}

// One sync at a time; what is delivered meanwhile waits for the next.
void Server::make_durable() {
  if (syncing_ || drop_->batch().empty()) return;
  batch_timer_.cancel();
  syncing_ = true;
  const std::shared_ptr<Batch> batch = drop_->take_batch();
  auto durable = std::make_shared<bool>(false);
  const auto begin = std::chrono::steady_clock::now();
  worker_->run([batch, durable] { *durable = batch->make_durable(); },
               [this, batch, durable, begin] {
                 syncing_ = false;
                 const auto took = std::chrono::steady_clock::now() - begin;
                 log::write(
                     "delivery-batch",
                     {{"deliveries", batch->ids().size()},
                      {"milliseconds", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
                 report(*batch, *durable);
                 if (!drop_->batch().empty())
                   batch_timer_.start(std::chrono::milliseconds{host_.config.deliverd.batch_delay});
               });
}

void Server::report(const Batch& batch, bool durable) {
  if (!queued_) return;  // whoever comes next hands them out again
  const auto& ids = batch.ids();
  if (!durable) {
    for (const DeliveryId& id : ids)
      queued_->send(NotDelivered{id, DeliveryFailure::system_error, "the disk refused the sync"});
    return;
  }
  for (std::size_t at = 0; at < ids.size(); at += kIdsPerReport) {
    const auto first = ids.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kIdsPerReport, ids.size() - at));
    queued_->send(Delivered{{first, first + count}});
  }
}

}  // namespace mailroom::deliverd
