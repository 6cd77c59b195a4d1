// queued and deliverd: messages in transit.
#include <fmt/format.h>

#include "daemons/config/networks.h"
#include "daemons/config/tables.h"

namespace mailroom::config {

namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kGiB = 1024 * kMiB;

using Q = QueuedConfig;

constexpr std::size_t kMaxRetries = 100;
constexpr Duration kMinRetry = 1s, kMaxRetry = 24h * 7;

Result set_retry_schedule(Q& config, Values values) {
  if (values.size() > kMaxRetries) return std::unexpected(fmt::format("more than {} times", kMaxRetries));
  std::vector<Duration> schedule;
  for (const auto& value : values) {
    const auto time = parse_time(value);
    if (!time) return std::unexpected(time.error());
    if (*time < kMinRetry || *time > kMaxRetry)
      return std::unexpected(
          fmt::format("{} is not between {} and {}", value, format_time(kMinRetry), format_time(kMaxRetry)));
    schedule.push_back(*time);
  }
  config.retry_schedule = std::move(schedule);
  return {};
}

std::vector<std::string> show_retry_schedule(const Q& config) {
  std::string line;
  for (const auto time : config.retry_schedule) line += (line.empty() ? "" : " ") + format_time(time);
  return {line};
}

Result set_double_bounce(Q& config, Values values) {
  if (values.size() == 1 && values[0] == "postmaster") {
    config.double_bounce = DoubleBounce::postmaster;
  } else if (values.size() == 1 && values[0] == "drop") {
    config.double_bounce = DoubleBounce::drop;
  } else {
    return std::unexpected("expected postmaster or drop");
  }
  return {};
}

std::vector<std::string> show_double_bounce(const Q& config) {
  return {config.double_bounce == DoubleBounce::drop ? "drop" : "postmaster"};
}

constexpr Key<Q> kQueuedKeys[] = {
    {"memory-limit", Size<Q>{&Q::memory_limit, 16 * kMiB, 1024 * kGiB}, Reload::restart,
     "Content held in memory for all clients together before it is durable; when it is used up, new content "
     "is answered 452."},
    {"memory-message-size", Size<Q>{&Q::memory_message_size, 4 * 1024, 16 * kMiB}, Reload::restart,
     "Larger content goes to a file of its own instead of the log."},
    {"segment-size", Size<Q>{&Q::segment_size, kMiB, kGiB}, Reload::restart,
     "A segment of the log is closed when it has grown past this."},
    {"min-free-space", Size<Q>{&Q::min_free_space, 0, 1024 * kGiB}, Reload::restart,
     "With less room on the file system of the queue, new messages are answered 452."},
    {"max-messages", Number<Q>{&Q::max_messages, 100, 100'000'000}, Reload::at_once,
     "Messages in the queue; with more, new ones are answered 452."},
    {"copy-forward-percent", Number<Q>{&Q::copy_forward_percent, 0, 90}, Reload::restart,
     "A closed segment with a smaller part still needed is emptied by copying that part."},
    {"deliveries-in-flight", Number<Q>{&Q::deliveries_in_flight, 1, 10'000}, Reload::at_once,
     "Deliveries handed to deliverd and not yet durable."},
    {"retry-schedule", Custom<Q>{"TIME ...", Occurs::once, set_retry_schedule, show_retry_schedule},
     Reload::at_once,
     "Waiting time after the first, second and each further failed attempt; the last one repeats."},
    {"lifetime", Time<Q>{&Q::lifetime, 5s, 24h * 60}, Reload::restart,
     "How long delivery is attempted (RFC 5321 4.5.4.1 asks for at least four to five days)."},
    {"delay-warning", Time<Q>{&Q::delay_warning, 0s, 24h * 30}, Reload::restart,
     "The sender of a message that has not been delivered after this time is told so, once; 0s: never."},
    {"relay-connections", Number<Q>{&Q::relay_connections, 1, 4'000}, Reload::at_once,
     "Connections to other hosts."},
    {"relay-connections-per-destination", Number<Q>{&Q::relay_connections_per_destination, 1, 1'000},
     Reload::at_once,
     "Connections to one destination; fewer are made as long as it has not shown that it takes so many."},
    {"relay-idle", Time<Q>{&Q::relay_idle, 0s, 5min}, Reload::at_once,
     "How long a connection is kept for more messages to the same destination."},
    {"report-full-size", Size<Q>{&Q::report_full_size, 0, kMiB}, Reload::at_once,
     "A report that a message was not delivered holds the message up to this size, and of a larger one the "
     "header."},
    {"double-bounce", Custom<Q>{"postmaster | drop", Occurs::once, set_double_bounce, show_double_bounce},
     Reload::at_once,
     "Where a report goes that cannot be delivered, or that has nobody to go to: to the postmaster, or "
     "nowhere."},
    {"spf-exempt", kNetworks<Q, &Q::spf_exempt>, Reload::at_once,
     "Filters and backup MX hosts, which bring mail of others and are no campus network. Who sent it is told "
     "of "
     "failures whatever SPF says, which would look at the address of the filter; 0.0.0.0/0 and ::/0 are "
     "everybody. See "
     "queued(8)."},
};

using D = DeliverdConfig;
constexpr Key<D> kDeliverdKeys[] = {
    {"batch-size", Number<D>{&D::batch_size, 1, 10'000}, Reload::restart,
     "Deliveries made durable together, at most."},
    {"batch-delay", Time<D>{&D::batch_delay, 0s, 5s}, Reload::restart,
     "How long the first delivery of a batch waits for others."},
};

}  // namespace

std::span<const Key<QueuedConfig>> queued_keys() { return kQueuedKeys; }
std::span<const Key<DeliverdConfig>> deliverd_keys() { return kDeliverdKeys; }

}  // namespace mailroom::config
