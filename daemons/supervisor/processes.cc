// The supervisor's part that starts processes, connects them, and deals with their ends.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "daemons/log.h"
#include "daemons/mailroomd/sealed_memfd.h"
#include "daemons/supervisor/supervisor.h"
#include "libcommon/ipc/codec.h"

namespace mailroom {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstRestartDelay = 100ms;
constexpr auto kLongestRestartDelay = 10s;
constexpr auto kLivedLongEnough = 60s;  // then the delay begins anew
constexpr auto kStopPatience = 8s;      // for a process to end by itself; systemd's own is 90 s
// For a connection whose uid is wanted.  One that submits may be waiting for the queue's word on a message
// (no longer than daemons/smtpd/spool_client.cc says): killed before, its client would send the message
// again.
constexpr auto kUidPatience = 8s;
constexpr auto kSubmitterPatience = 6min;
constexpr auto kCrashWindow = 60s;
constexpr std::size_t kCrashesUntilShutOut = 5;  // within the window, from one client address
constexpr std::size_t kCrashesUntilReport = 5;   // within the window, of one service
// A packet takes 768 octets or more of the sender's buffer, which has 208 KiB (net.core.wmem_default) or what
// an operator has made of it.
constexpr int kMostLastWords = 4096;

std::chrono::seconds patience_for_uid(Role listener) {
  const bool submits = std::ranges::any_of(kChannels, [listener](const ChannelRow& row) {
    return row.asker == listener && row.server == Role::queued;
  });
  return submits ? kSubmitterPatience : kUidPatience;
}

// For other hosts' replies to what they have as a whole.
std::chrono::milliseconds patience_for_hosts(Role role, const Config& config) {
  const bool waits = role == Role::queued || role == Role::relayd;
  return std::chrono::milliseconds{waits ? config.relayd.stop_timeout : Duration{}};
}

StopTurn stop_turn_of(Role role) {
  if (role == Role::logd) return StopTurn::log;
  const bool is_asked = std::ranges::any_of(
      kChannels, [role](const ChannelRow& row) { return row.asker == Role::queued && row.server == role; });
  return is_asked ? StopTurn::asked_by_queued : StopTurn::first;
}

// Before something is tried again that lived so long.
std::chrono::milliseconds next_delay(std::chrono::milliseconds last,
                                     std::chrono::steady_clock::duration lived) {
  if (last == 0ms || lived > kLivedLongEnough) return kFirstRestartDelay;
  return std::min<std::chrono::milliseconds>(last * 2, kLongestRestartDelay);
}

std::string exit_words(const ProcessEnded& ended) {
  if (!ended.by_signal) return "exit " + std::to_string(ended.status);
  const char* const name = ::sigabbrev_np(ended.status);
  return std::string{"signal "} + (name == nullptr ? "?" : name);
}

}  // namespace

std::string Supervisor::Process::unique_name() const {
  return std::string{process_row(role).name} + "#" + std::to_string(generation);
}

// ---- their start

std::vector<PassedDescriptor> Supervisor::descriptors_for(Role role, const Config& config,
                                                          std::vector<Fd>& owned) {
  std::vector<PassedDescriptor> passed;
  const auto pass = [&](std::string name, int fd) { passed.push_back({std::move(name), fd}); };
  const auto pass_file = [&](std::string name, const std::string& path) {
    owned.emplace_back(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!owned.back()) throw std::system_error(errno, std::generic_category(), path);
    pass(std::move(name), owned.back().get());
  };
  if (tools_.contains(role)) pass("tools", tools_[role].get());
  if (role == Role::logd)
    for (const auto& [name, pipe] : logs_) pass("log " + name, pipe.read.get());
  if (role == Role::keyd)
    for (std::size_t i = 0; i < config.certificates.size(); ++i)
      pass_file("key " + std::to_string(i), config.certificates[i].key_file);
  if (role == Role::krbd) pass_file("keytab", config.kerberos.keytab_file);
  // They say it when they miss it.
  const auto pass_if_there = [&](std::string name, const std::string& path) {
    owned.emplace_back(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (owned.back()) pass(std::move(name), owned.back().get());
  };
  if (role == Role::certd && !config.client_certificate.revocations_file.empty())
    pass_if_there("revocations", config.client_certificate.revocations_file);
  if (role == Role::relayd) {
    pass_if_there("authorities", config.outbound_tls.ca_file);
  } else if (is_listener(role)) {
    for (std::size_t i = 0; i < listening_.size(); ++i)
      if (listening_[i]) pass("listen " + std::to_string(i), listening_[i].get());
  }
  return passed;
}

// Tried again later when the machine has no process, descriptor or key file for it now: what runs goes on.
void Supervisor::start_or_retry(Role role) {
  try {
    start(role);
  } catch (const std::exception& error) {
    log::write("start-failed", {{"process", process_row(role).name}, {"reason", error.what()}});
    restarts_[role] = {Clock::now() + kLongestRestartDelay};
  }
}

// The uids of processes before login are of two generations in turn (daemons/listener/listener.cc).
void Supervisor::free_uids_for(Role role, std::uint32_t generation) {
  if (!is_listener(role)) return;
  for (Process& old : processes_)
    if (old.role == role && old.retired && old.generation % 2 == generation % 2) {
      tell(old, Drain{.at_once = false});
      if (!old.logins_end_by)
        old.logins_end_by = Clock::now() + patience_for_uid(role) + patience_for_hosts(role, config_);
    }
}

Supervisor::Process& Supervisor::start(Role role) {
  restarts_.erase(role);
  Process& fresh = launch(role, config_);
  connect_all(fresh);
  return fresh;
}

// Connected to nobody yet.
Supervisor::Process& Supervisor::launch(Role role, const Config& config) {
  const ProcessRow& row = process_row(role);
  std::vector<Fd> owned;
  LaunchBlock launch{++generations_[role], config, descriptors_for(role, config, owned), shut_out_};
  std::vector<int> passed;
  for (std::size_t i = 0; i < launch.descriptors.size(); ++i) {
    passed.push_back(launch.descriptors[i].fd);
    launch.descriptors[i].fd = kFirstPassedFd + static_cast<int>(i);
  }
  const Fd block = sealed_memfd(ipc::encode(launch));
  free_uids_for(role, launch.generation);
  // logd writes where mailroomd was told to; everybody else to logd.
  const int log = role == Role::logd ? STDERR_FILENO : logs_.find(row.name)->second.write.get();
  auto started = spawner_.start(role, log, block.get(), passed);
  processes_.push_back(
      {role, launch.generation, started.pid, Control{std::move(started.control)}, Clock::now()});
  Process& fresh = processes_.back();
  log::write("process-started", {{"process", fresh.unique_name()}, {"pid", fresh.pid}});
  return fresh;
}

void Supervisor::connect_all(Process& fresh) {
  try {
    connect_to_others(fresh);
  } catch (const std::exception& error) {  // half connected is of no use: its end is followed by a restart
    log::write("start-failed", {{"process", fresh.unique_name()}, {"reason", error.what()}});
    spawner_.end(fresh.pid);
  }
}

void Supervisor::connect_to_others(Process& fresh) {
  const bool old_keyd_lives =
      std::ranges::any_of(processes_, [](const Process& p) { return p.role == Role::keyd && p.retired; });
  const auto link = [this](const ChannelRow& row, Process& asker, Process& server) {
    links_.push_back({&row, asker.unique_name(), server.unique_name(), Clock::now()});
    connect(links_.back(), asker, server);
  };
  for (const ChannelRow& row : kChannels)
    for (Process& other : processes_) {
      if (&other == &fresh || other.on_trial) continue;
      if (row.asker == fresh.role && row.server == other.role && !other.retired) link(row, fresh, other);
      // A listener that finishes its last connections needs the new process too; but for its certificates the
      // keyd that was replaced with it.
      const bool has_its_own = fresh.role == Role::keyd && other.retired && old_keyd_lives;
      if (row.server == fresh.role && row.asker == other.role && !has_its_own) link(row, other, fresh);
    }
}

std::string Supervisor::Link::name_at(const std::string& end) const {
  const std::string& other = end == asker ? server : asker;
  return lost == 0 ? other : other + "/" + std::to_string(lost);
}

void Supervisor::connect(const Link& link, Process& asker, Process& server) {
  auto [near, far] = ipc::make_channel();
  const int asker_end = near.get();
  const int server_end = far.get();
  const std::string kind{link.row->name};
  tell(server, AttachChannel{kind, link.name_at(link.server)}, {&server_end, 1});
  tell(asker, AttachChannel{kind, link.name_at(link.asker)}, {&asker_end, 1});
}

Supervisor::Process* Supervisor::find(std::string_view unique_name) {
  const auto found = std::ranges::find(processes_, unique_name, &Process::unique_name);
  return found == processes_.end() ? nullptr : &*found;
}

// Both ends tell, each in its time; the first counts.  Who is at fault nobody knows: a process that breaks
// the rules may accuse others, so that nobody is ended for it, and what it can do is bounded by the delay.
void Supervisor::on_channel_lost(Process& process, const ChannelLost& message) {
  const std::string name = process.unique_name();
  const auto is_meant = [&](const Link& link) {
    return link.row->name == message.kind && (link.asker == name || link.server == name) &&
           link.name_at(name) == message.peer;
  };
  const auto link = std::ranges::find_if(links_, is_meant);
  if (link == links_.end() || link->remake_at) return;
  link->delay = next_delay(link->delay, Clock::now() - link->made);
  link->remake_at = Clock::now() + link->delay;
}

// The delay was time enough to hear that one of the two has ended: then there is no link any more.
void Supervisor::remake(Link& link) {
  link.remake_at.reset();
  Process* const asker = find(link.asker);
  Process* const server = find(link.server);
  if (stopping_ || asker == nullptr || server == nullptr || asker->retired || server->retired) return;
  ++link.lost;
  link.made = Clock::now();
  log::write(
      "channel-remade",
      {{"channel", link.row->name}, {"asker", link.asker}, {"server", link.server}, {"lost", link.lost}});
  try {
    connect(link, *asker, *server);
  } catch (const std::exception& error) {  // there are no descriptors now
    log::write("start-failed", {{"process", link.row->name}, {"reason", error.what()}});
    link.remake_at = Clock::now() + kLongestRestartDelay;
  }
}

void Supervisor::remake_due() {
  const Time now = Clock::now();
  for (Link& link : links_)
    if (link.remake_at && *link.remake_at <= now) remake(link);
}

// Never waits: one process that does not read must not keep the supervisor from the others.  It is started
// afresh.
void Supervisor::tell(Process& process, const SupervisorToProcess& message,
                      std::span<const int> descriptors) {
  const auto result = process.control.send(message, descriptors, ipc::PacketSocket::Wait::no);
  if (result == ipc::SendResult::would_block) end_for(process, "it does not read");
  if (result == ipc::SendResult::too_many_descriptors)
    end_for(process, "too many descriptors are under way to it and to others");
}

// Ended by force, and started afresh.
void Supervisor::end_for(Process& process, std::string_view offence) {
  log::write("peer-misbehaved",
             {{"channel", "control"}, {"peer", process.unique_name()}, {"reason", offence}});
  spawner_.end(process.pid);
  process.control.close();
}

// ---- their ends

// A child of a listener crashed: what it had in memory may be known to the one who did it.
void Supervisor::on_crash(Process& process, const IpAddress& peer) {
  if (!is_listener(process.role))
    return log::write("peer-misbehaved", {{"channel", "control"},
                                          {"peer", process.unique_name()},
                                          {"reason", "told of a crash of a connection, and has none"}});
  if (process.retired || stopping_) return;
  const Role role = process.role;
  if (role != Role::relayd) count_crash(role, peer);  // there the peer is one that we went to
  report_crashes(role);
  retire(process);
  start_or_retry(role);
}

// Without a pause before the next listener, however many crash: to wait would be to deny the service to
// everybody, and to keep the listener would show an attacker the same memory layout again and again.  Once in
// a window the operator is told that it goes on.
void Supervisor::report_crashes(Role role) {
  CrashCount& crashes = service_crashes_[role];
  if (Clock::now() - crashes.since > kCrashWindow) crashes = {Clock::now(), 0};
  if (++crashes.count != kCrashesUntilReport) return;
  log::write("service-crashing", {{"process", process_row(role).name},
                                  {"crashes", crashes.count},
                                  {"seconds", std::chrono::seconds{kCrashWindow}.count()},
                                  {"do", "see connection-crashed in mailroom-log(5)"}});
}

void Supervisor::count_crash(Role role, const IpAddress& peer) {
  auto& times = crashes_[peer.host_for_limits()];
  const Time now = Clock::now();
  std::erase_if(times, [now](Time time) { return time < now - kCrashWindow; });
  times.push_back(now);
  if (times.size() < kCrashesUntilShutOut ||
      std::ranges::find(shut_out_, peer.host_for_limits()) != shut_out_.end())
    return;
  shut_out_.push_back(peer.host_for_limits());
  log::write("address-shut-out",
             {{"service", process_row(role).name}, {"peer", peer.text()}, {"until", "the next reload"}});
}

// No more than its socket had room for: somebody to whom it has given its end may go on speaking there.
void Supervisor::hear_last_words(Process& process) {
  for (int heard = 0; heard < kMostLastWords && on_message(process);) ++heard;
}

void Supervisor::on_ended(const ProcessEnded& ended) {
  const auto process = std::ranges::find(processes_, ended.pid, &Process::pid);
  if (process == processes_.end()) return;
  hear_last_words(*process);
  const std::string reason = exit_words(ended);
  if (process->on_trial && trial_) {
    process->on_trial = false;
    process->retired = true;
    end_trial(process->unique_name() + " ended before it was ready: " + reason);
  } else if (process->retired || stopping_) {
    log::write("process-ended",
               {{"process", process->unique_name()}, {"pid", process->pid}, {"reason", reason}});
  } else {
    plan_restart(*process, reason);
  }
  const bool never_ready = !process->ready && !process->retired && !announced_ && !stopping_;
  std::erase_if(links_, [name = process->unique_name()](const Link& link) {
    return link.asker == name || link.server == name;
  });
  processes_.erase(process);
  if (stopping_) stop_next();
  if (!never_ready) return;
  failed_ = true;
  stop_all();
}

void Supervisor::plan_restart(const Process& dead, const std::string& reason) {
  auto& delay = delays_[dead.role];
  delay = next_delay(delay, Clock::now() - dead.started);
  restarts_[dead.role] = {Clock::now() + delay};
  log::write("process-died", {{"process", dead.unique_name()},
                              {"pid", dead.pid},
                              {"reason", reason},
                              {"restart-in", std::to_string(delay.count()) + "ms"}});
}

void Supervisor::start_due() {
  for (auto restart = restarts_.begin(); restart != restarts_.end();) {
    if (restart->second.at > Clock::now()) {
      ++restart;
      continue;
    }
    const Role role = restart->first;
    restart = restarts_.erase(restart);
    start_or_retry(role);
    if (restarts_.contains(role)) return;
  }
}

void Supervisor::kill_connections(const Process& process, Whose whose) {
  if (is_listener(process.role)) spawner_.end_connections(process.pid, whose);
}

void Supervisor::on_connections_ended(const ConnectionsEnded& ended) {
  const auto listener = std::ranges::find(processes_, ended.pid, &Process::pid);
  if (ended.count == 0 || listener == processes_.end()) return;
  log::write("peer-misbehaved",
             {{"channel", "control"},
              {"peer", listener->unique_name()},
              {"reason", std::to_string(ended.count) + " of its connections did not end, and were killed"}});
}

void Supervisor::kill_overdue() {
  const Time now = Clock::now();
  for (Process& process : processes_) {
    if (process.logins_end_by && *process.logins_end_by <= now) {
      kill_connections(process, Whose::logins);
      process.logins_end_by.reset();
    }
    if (!process.end_by || *process.end_by > now) continue;
    kill_connections(process, Whose::all);
    spawner_.end(process.pid);
    process.end_by.reset();
  }
}

void Supervisor::stop_all() {
  if (stopping_) return;
  stopping_ = true;
  restarts_.clear();
  trial_.reset();
  stop_next();
}

// Those of a turn are told when those before have ended.
void Supervisor::stop_next() {
  const auto is_over = [this](StopTurn turn) {
    return std::ranges::none_of(processes_,
                                [turn](const Process& p) { return stop_turn_of(p.role) <= turn; });
  };
  while (stop_turn_ != StopTurn::log && is_over(stop_turn_)) {
    stop_turn_ = StopTurn{static_cast<std::uint8_t>(static_cast<unsigned>(stop_turn_) + 1)};
    for (Process& process : processes_)
      if (stop_turn_of(process.role) == stop_turn_) tell_to_end(process);
  }
}

void Supervisor::tell_to_end(Process& process) {
  process.control.send(Drain{.at_once = true}, {}, ipc::PacketSocket::Wait::no);
  process.end_by = Clock::now() + kStopPatience + patience_for_hosts(process.role, config_);
}

}  // namespace mailroom
