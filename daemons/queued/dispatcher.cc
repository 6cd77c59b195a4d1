#include "daemons/queued/dispatcher.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "daemons/log.h"
#include "daemons/queued/clock.h"

namespace mailroom::queued {
namespace {

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};

// Content of messages whose attempts have begun; one message may be larger than this.
constexpr std::uint64_t kMaxActiveOctets = 64 * 1024 * 1024;
// New content that waits in memory for its first attempt: an eighth of what memory there may be.
constexpr std::uint64_t kFreshShare = 8;

const char* failure_text(DeliveryFailure failure) {
  switch (failure) {
  case DeliveryFailure::no_space:
    return "no space";
  case DeliveryFailure::no_mailbox:
    return "no mailbox";
  case DeliveryFailure::system_error:
    return "system error";
  }
  return "";
}

// What stands above the content in the mailbox (RFC 5321 4.4 for Return-Path).
std::string top_lines(const queue::Envelope& envelope, const queue::Target& target) {
  return fmt::format("Return-Path: <{}>\r\nDelivered-To: {}\r\n", envelope.reverse_path,
                     envelope.recipients.at(target.recipient).address);
}

// Seals what was written, so that the receiver may map it.
void seal(const Fd& memfd) {
  if (::fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    throw std::system_error(errno, std::generic_category(), "F_ADD_SEALS");
}

void write_fully(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "write to a memfd");
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::uint64_t seconds_since(std::uint64_t then) { return (microseconds_now() - then) / 1'000'000; }

}  // namespace

Dispatcher::Dispatcher(event::Loop& loop, queue::Queue& queue, const Config& config)
    : loop_{loop}, queue_{queue}, config_{config}, schedule_{limits()}, due_{loop, [this] { run(); }} {
  for (const auto& [id, entry] : queue.index().entries())
    schedule_.add(id, entry.next_attempt, entry.attempts,
                  entry.held ? Schedule::State::held : Schedule::State::waiting);
}

Schedule::Limits Dispatcher::limits() const {
  Schedule::Limits limits{.waits = {}, .deliveries = config_.queued.deliveries_in_flight};
  for (const Duration& wait : config_.queued.retry_schedule) limits.waits.push_back(wait.milliseconds * 1000);
  return limits;
}

void Dispatcher::reconfigured() {
  schedule_.set_limits(limits());
  run();
}

void Dispatcher::attach_deliverd(Fd fd) {
  schedule_.interrupted();
  deliverd_ = std::make_unique<DeliverdChannel>(
      loop_, std::move(fd), 0,
      [this](DeliverdToQueued&& message, std::vector<Fd>&&) {
        std::visit(Overloaded{[this](const Delivered& m) { on_delivered(m); },
                              [this](const NotDelivered& m) { on_not_delivered(m); }},
                   message);
        run();
      },
      [this](event::ChannelEnd why) {
        log::write(
            "channel-closed",
            {{"channel", "queued-deliverd"}, {"peer", "deliverd"}, {"reason", event::channel_end_name(why)}});
        deliverd_.reset();
        schedule_.interrupted();
      });
  run();
}

void Dispatcher::accepted(QueueId id, const queue::Envelope& envelope, queue::SharedContent content) {
  if (content && deliverd_ &&
      fresh_octets_ + content->length() <= config_.queued.memory_limit / kFreshShare) {
    fresh_octets_ += content->length();
    fresh_.emplace(id, Fresh{envelope, std::move(content)});
  }
  schedule_.add(id, microseconds_now(), 0);
  run();
}

// ---- operators

bool Dispatcher::hold(QueueId id) {
  if (!schedule_.hold(id)) return false;
  queue_.record(id, queue::Held{"by an operator"});
  log::write("message-held", {{"queue", queue::id_text(id)}});
  return true;
}

bool Dispatcher::release(QueueId id) {
  if (!schedule_.release(id, microseconds_now())) return false;
  queue_.record(id, queue::Released{});
  log::write("message-released", {{"queue", queue::id_text(id)}});
  run();
  return true;
}

bool Dispatcher::retry(QueueId id) {
  if (!schedule_.retry(id, microseconds_now())) return false;
  run();
  return true;
}

bool Dispatcher::remove(QueueId id) {
  if (!schedule_.knows(id)) return false;
  const auto message = queue_.read_message(id);
  log::write("message-removed",
             {{"queue", queue::id_text(id)}, {"sender", message ? message->envelope.reverse_path : ""}});
  schedule_.remove(id);
  forget_active(id);
  queue_.record(id, queue::Removed{});
  return true;
}

// ---- attempts

void Dispatcher::run() {
  const std::uint64_t now = microseconds_now();
  while (deliverd_ && active_octets_ < kMaxActiveOctets &&
         active_.size() < config_.queued.deliveries_in_flight) {
    const auto id = schedule_.take_due(now);
    if (!id) break;
    begin(*id);
  }
  while (deliverd_) {
    const auto delivery = schedule_.next();
    if (!delivery) break;
    send(*delivery);
  }
  arm_timer();
}

void Dispatcher::arm_timer() {
  // With as much begun as there may be, the next answer comes first.
  if (!deliverd_ || active_.size() >= config_.queued.deliveries_in_flight ||
      active_octets_ >= kMaxActiveOctets)
    return;
  const auto due = schedule_.next_due();
  if (!due) return;
  const std::uint64_t now = microseconds_now();
  due_.start(std::chrono::microseconds{*due > now ? *due - now : 0});
}

void Dispatcher::begin(QueueId id) {
  auto loaded = load(id);
  if (!loaded) return could_not_load(id, loaded.error());
  const auto& finished = queue_.index().find(id)->finished;
  std::vector<std::uint32_t> targets;
  for (std::uint32_t number = 1; number <= loaded->envelope.targets.size(); ++number)
    if (!std::ranges::binary_search(finished, number)) targets.push_back(number);
  if (targets.empty()) {  // a crash came between the last delivery's record and this one
    queue_.record(id, queue::Finished{});
    return schedule_.remove(id);
  }
  active_octets_ += loaded->size;
  active_.emplace(id, std::move(*loaded));
  schedule_.begin(id, std::move(targets));
}

std::expected<Dispatcher::Active, queue::ReadProblem> Dispatcher::load(QueueId id) {
  const queue::Entry* entry = queue_.index().find(id);
  if (entry == nullptr) return std::unexpected(queue::ReadProblem::gone);
  Active active{
      .envelope = {}, .arrived = entry->arrived, .content = {}, .memfd = Fd{}, .size = entry->content_length};
  if (active.size > kInlineContent)
    active.memfd = Fd{::memfd_create("content", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (active.size > kInlineContent && !active.memfd) return std::unexpected(queue::ReadProblem::unreadable);
  active.content.reserve(active.memfd ? 0 : active.size);
  const auto take = [&](std::string_view bytes) {
    active.memfd ? write_fully(active.memfd, bytes) : void(active.content += bytes);
  };

  if (auto fresh = fresh_.extract(id)) {
    fresh_octets_ -= fresh.mapped().content->length();
    active.envelope = std::move(fresh.mapped().envelope);
    for (const std::string& piece : fresh.mapped().content->pieces()) take(piece);
  } else {
    auto message = queue_.read_message(id);
    if (!message) return std::unexpected(message.error());
    active.envelope = std::move(message->envelope);
    if (const auto read = queue_.read_content(id, take); !read) return std::unexpected(read.error());
  }
  if (active.memfd) seal(active.memfd);
  return active;
}

// A medium may recover; damaged content waits for an operator, who alone can say what it is worth.
void Dispatcher::could_not_load(QueueId id, queue::ReadProblem problem) {
  if (problem == queue::ReadProblem::gone) return schedule_.remove(id);
  const bool damaged = problem == queue::ReadProblem::damaged;
  const char* reason = damaged ? "the content is damaged" : "the content cannot be read";
  log::write("delivery-failed", {{"queue", queue::id_text(id)}, {"reason", reason}});
  const std::uint64_t next = schedule_.postpone(id, microseconds_now());
  queue_.record(id, queue::Attempted{queue_.index().find(id)->attempts + 1, next, {}, reason});
  if (!damaged) return;
  schedule_.hold(id);
  queue_.record(id, queue::Held{reason});
}

void Dispatcher::send(DeliveryId delivery) {
  const Active& active = active_.at(delivery.queue_id);
  const queue::Target& target = active.envelope.targets.at(delivery.recipient - 1);
  if (target.account == 0) {
    if (const auto ended = schedule_.failed(delivery, "no way out", microseconds_now())) end(*ended);
    return;
  }
  Deliver message{delivery, target.account, top_lines(active.envelope, target), active.content, 0};
  std::vector<Fd> descriptors;
  if (active.memfd) {
    message.memfd_size = active.size;
    descriptors.emplace_back(::fcntl(active.memfd.get(), F_DUPFD_CLOEXEC, 0));
  }
  deliverd_->send(std::move(message), std::move(descriptors));
}

void Dispatcher::on_delivered(const Delivered& message) {
  for (const DeliveryId& delivery : message.ids) {
    const auto active = active_.find(delivery.queue_id);
    if (active == active_.end() || delivery.recipient == 0 ||
        delivery.recipient > active->second.envelope.targets.size())
      continue;
    log::write("message-delivered",
               {{"queue", queue::id_text(delivery.queue_id)},
                {"recipient", delivery.recipient},
                {"account", active->second.envelope.targets[delivery.recipient - 1].account},
                {"seconds", seconds_since(active->second.arrived)}});
    if (const auto ended = schedule_.delivered(delivery, microseconds_now())) end(*ended);
  }
}

void Dispatcher::on_not_delivered(const NotDelivered& message) {
  const auto active = active_.find(message.id.queue_id);
  if (active == active_.end()) return;
  const std::string problem = fmt::format("{}: {}", failure_text(message.failure), message.detail);
  const auto ended = schedule_.failed(message.id, problem, microseconds_now());
  log::write("message-deferred", {{"queue", queue::id_text(message.id.queue_id)},
                                  {"recipient", message.id.recipient},
                                  {"reason", problem}});
  if (ended) end(*ended);
}

void Dispatcher::end(const Schedule::Ended& ended) {
  if (ended.complete) {
    queue_.record(ended.id, queue::Finished{});
    log::write("message-done", {{"queue", queue::id_text(ended.id)},
                                {"seconds", seconds_since(active_.at(ended.id).arrived)}});
  } else {
    queue_.record(ended.id,
                  queue::Attempted{ended.attempts, ended.next_attempt, ended.finished, ended.problem});
    hold_if_expired(ended.id, ended.problem);
  }
  forget_active(ended.id);
}

// Mail for this system's own accounts is not returned for what is wrong with this system: an operator
// decides.
void Dispatcher::hold_if_expired(QueueId id, const std::string& problem) {
  const std::chrono::milliseconds lifetime = config_.queued.lifetime;
  if (std::chrono::seconds{seconds_since(active_.at(id).arrived)} < lifetime) return;
  log::write("message-expired", {{"queue", queue::id_text(id)}, {"reason", problem}});
  schedule_.hold(id);
  queue_.record(id, queue::Held{"tried for the whole of its lifetime: " + problem});
}

void Dispatcher::forget_active(QueueId id) {
  const auto found = active_.find(id);
  if (found == active_.end()) return;
  active_octets_ -= found->second.size;
  active_.erase(found);
}

}  // namespace mailroom::queued
