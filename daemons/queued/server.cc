#include "daemons/queued/server.h"

#include <fcntl.h>

#include <chrono>
#include <cstring>

#include <fmt/format.h>

#include "daemons/log.h"
#include "daemons/queued/clock.h"
#include "daemons/queued/site.h"
#include "libcommon/sys/own_addresses.h"
#include "libcommon/text/charset.h"

namespace mailroom::queued {
namespace {

constexpr std::chrono::seconds kTick{1};
// Between two looks whether all is settled, when told to end.
constexpr std::chrono::milliseconds kDrainTick{5};
// Beyond relayd.stop-timeout, for its processes to say what came of it.
constexpr std::chrono::seconds kDrainReserve{2};

queue::Options options_of(const QueuedConfig& config) {
  return {.memory_limit = config.memory_limit,
          .memory_message_size = std::min(config.memory_message_size, queue::kMaxInlineContent),
          .segment_size = config.segment_size,
          .min_free_space = config.min_free_space,
          .copy_forward_percent = config.copy_forward_percent};
}

queue::Recovered bring_back(queue::Storage& storage) {
  const auto begin = std::chrono::steady_clock::now();
  auto recovered = queue::recover(storage);
  if (!recovered) log::fatal("the queue cannot be used: " + recovered.error());
  for (const queue::Damage& damage : recovered->damage)
    log::write("queue-record-bad",
               {{"segment", damage.file}, {"offset", damage.offset}, {"reason", damage.what}});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  log::write("queue-recovered", {{"messages", recovered->index.size()},
                                 {"segments", recovered->segments.size()},
                                 {"seconds", fmt::format("{:.3f}", took.count())}});
  return std::move(*recovered);
}

queue::DestinationHolds bring_back_holds(queue::Storage& storage) {
  auto holds = queue::DestinationHolds::read(storage);
  if (!holds)
    log::fatal(
        fmt::format("the destinations that are held cannot be read: {}", std::strerror(holds.error())));
  return std::move(*holds);
}

queue::LogObserver log_observer() {
  const auto note = [](EventName event) {
    return [event](queue::SegmentNumber number) {
      log::write(event, {{"segment", queue::segment_file_name(number)}});
    };
  };
  return {.failed =
              [](queue::SegmentNumber number, queue::Errno error) {
                log::write("sync-failed",
                           {{"segment", queue::segment_file_name(number)}, {"reason", std::strerror(error)}});
              },
          .opened = note("segment-opened"),
          .removed = note("segment-removed")};
}

}  // namespace

Server::Server(const Host& host)
    : host_{host}, tools_socket_{host.take_descriptor("tools")}, dns_{host.loop, host.config.dnsd.timeout},
      policy_{host.loop}, routes_{host.loop, dns_, policy_}, tick_{host.loop, [this] { tick(); }} {}

Server::~Server() = default;

void Server::before_jail() {
  interfaces_ = own_addresses();
  prepare_charsets();  // reports repeat subjects
}

void Server::reconfigured() {
  const bool rerouted = routes_.set_site(site_of(host_.config, interfaces_), host_.config.outbound_tls);
  dns_.set_timeout(host_.config.dnsd.timeout);
  dispatcher_->reconfigured(rerouted ? Dispatcher::Routes::others : Dispatcher::Routes::same);
}

void Server::start() {
  routes_.set_site(site_of(host_.config, interfaces_), host_.config.outbound_tls);
  storage_.emplace(Fd{::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)});
  log_worker_.emplace();
  content_worker_.emplace();
  queue_.emplace(*storage_, *log_worker_, *content_worker_, options_of(host_.config.queued),
                 bring_back(*storage_), microseconds_now());
  queue_->set_observer(log_observer());
  holds_ = bring_back_holds(*storage_);
  log_watch_ = std::make_unique<event::ReadWatch>(host_.loop, log_worker_->event_fd(),
                                                  [this] { log_worker_->dispatch(); });
  content_watch_ = std::make_unique<event::ReadWatch>(host_.loop, content_worker_->event_fd(),
                                                      [this] { content_worker_->dispatch(); });
  const OwnMail::OnAccepted on_accepted = [this](QueueId id, const queue::Envelope& envelope,
                                                 queue::SharedContent content) {
    dispatcher_->accepted(id, envelope, std::move(content));
  };
  reports_ = std::make_unique<ReportDesk>(
      host_.loop, *queue_, host_.config,
      [this](const std::string& address, PolicyQuestions::OnAddress then) {
        policy_.resolve_address(address, std::move(then));
      },
      [this](ReportRefused refusal, PolicyQuestions::OnRefusal then) {
        policy_.tell(std::move(refusal), std::move(then));
      },
      [this](spf::Identity identity, SenderChecks::Then then) {
        sender_checks_.check(std::move(identity), std::move(then));
      },
      on_accepted);
  dispatcher_ = std::make_unique<Dispatcher>(host_.loop, *queue_, host_.config, routes_, *reports_, *holds_);
  dispatcher_->set_results(&outcomes_);
  intake_ = std::make_unique<Intake>(host_.loop, *queue_, host_.config, on_accepted);
  tools_ = std::make_unique<ToolDesk>(host_.loop, std::move(tools_socket_), *queue_, *dispatcher_, routes_);
  tick_.start(kTick);
}

void Server::attach(const std::string& kind, const std::string& peer, LeasedFd fd) {
  if (kind == "mx-queued") return intake_->attach_listener(Service::mx, peer, std::move(fd));
  if (kind == "submission-queued") return intake_->attach_listener(Service::submission, peer, std::move(fd));
  if (kind == "outgoing-queued") return intake_->attach_listener(Service::outgoing, peer, std::move(fd));
  if (kind == "relay-queued") return intake_->attach_listener(Service::relay, peer, std::move(fd));
  if (kind == "policyd-queued") return intake_->attach_policyd(std::move(fd));
  if (kind == "queued-deliverd") return dispatcher_->attach_deliverd(std::move(fd));
  if (kind == "queued-relayd") return dispatcher_->attach_relayd(std::move(fd));
  if (kind == "queued-dnsd") return dns_.attach(kind, peer, std::move(fd));
  if (kind == "queued-policyd") return policy_.attach(std::move(fd));
  log::fatal("a channel of a kind that queued does not have");
}

void Server::drain() {
  const std::chrono::milliseconds patience{host_.config.relayd.stop_timeout};
  drain_until_ = std::chrono::steady_clock::now() + patience + kDrainReserve;
  intake_->stop();
  dispatcher_->stop();
  outcomes_.flush();
  tick();
}

// What is not quiet in time, or not recorded by a disk that takes nothing, is left as it is, and done again
// after the next start.
bool Server::is_drained() const {
  const bool is_late = std::chrono::steady_clock::now() >= *drain_until_;
  const bool is_quiet = dispatcher_->is_quiet() && outcomes_.is_quiet();
  const bool is_refused = queue_->broken() || (is_late && !queue_->can_record());
  return (queue_->settled() || is_refused) && (is_quiet || is_late);
}

void Server::tick() {
  if (const auto now = std::chrono::steady_clock::now(); now >= retry_at_) {
    queue_->tick();
    dispatcher_->tick();
    retry_at_ = now + kTick;
  }
  if (drain_until_ && is_drained()) return host_.loop.stop();
  tick_.start(drain_until_ ? std::chrono::microseconds{kDrainTick} : std::chrono::microseconds{kTick});
}

}  // namespace mailroom::queued
