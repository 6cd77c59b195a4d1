#include "daemons/supervisor/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "daemons/base/certificates_off.h"
#include "daemons/config/load.h"
#include "daemons/log.h"
#include "daemons/mailroomd/configuration.h"
#include "daemons/supervisor/needed.h"
#include "daemons/supervisor/sockets.h"
#include "daemons/supervisor/walls.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/sanitized.h"
#include "libcommon/sys/set_up_memory.h"

namespace mailroom {
namespace {

// Whose tools have a control socket.
constexpr std::array kRolesWithTools{Role::logd, Role::policyd, Role::authd, Role::queued};

constexpr const char* kVersion =
    kIsSanitized ? MAILROOM_VERSION " with sanitizers, for tests alone" : MAILROOM_VERSION;

}  // namespace

// ---- start

int Supervisor::run() {
  log::set_up({.fd = STDERR_FILENO, .level = LogLevel::info, .name = "supervisor"});
  auto loaded = load_configuration_for_start(options_.config_file);
  if (!loaded) return 1;
  for (const config::Error& error : loaded->off) log_certificates_off(error.file, error.line, error.reason);
  config_ = std::move(loaded->config);
  log::set_up({.fd = STDERR_FILENO, .level = config_.log.level, .name = "supervisor"});
  if (options_.unprivileged) log::write("unprivileged");
  log::write("starting", {{"version", kVersion},
                          {"mode", options_.unprivileged ? "unprivileged" : "separated"},
                          {"config", options_.config_file}});
  try {
    set_up();
    put_up_walls(options_.unprivileged);
    start_all();
  } catch (const std::exception& error) {
    log::write("start-failed", {{"process", "supervisor"}, {"reason", error.what()}});
    failed_ = true;
    stop_all();
  }
  while (!(stopping_ && processes_.empty())) wait_and_serve();
  log::write("stopped");
  return failed_ ? 1 : 0;
}

void Supervisor::set_up() {
  // mailroomd says when to stop.
  for (const int ignored : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::signal(ignored, SIG_IGN);
  for (const ProcessRow& row : kProcesses) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
      throw std::system_error(errno, std::generic_category(), "pipe");
    logs_.emplace(row.name, LogPipe{Fd{ends[0]}, Fd{ends[1]}});
  }
  open_sockets(config_);
  for (const Role role : kRolesWithTools)
    tools_[role] =
        listen_for_tools(config_.directories.run + "/" + std::string{process_row(role).name} + ".sock");
}

// Keeps the sockets of listeners that the running configuration has too.  Throws with nothing changed.
void Supervisor::open_sockets(const Config& config) {
  std::vector<Fd> opened(config.listeners.size());
  std::vector<std::size_t> kept(config.listeners.size(), listening_.size());
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto same =
        std::ranges::find(config_.listeners, config.listeners[i].address, &ListenerConfig::address);
    const auto place = static_cast<std::size_t>(same - config_.listeners.begin());
    if (place < listening_.size())
      kept[i] = place;
    else
      opened[i] = listen_on(config.listeners[i].address);
  }
  for (std::size_t i = 0; i < opened.size(); ++i)
    if (kept[i] < listening_.size()) opened[i] = std::move(listening_[kept[i]]);
  listening_ = std::move(opened);
}

void Supervisor::start_all() {
  for (const ProcessRow& row : kProcesses)
    if (is_needed(row.role, config_)) start(row.role);
}

bool Supervisor::everything_ready() const {
  return restarts_.empty() &&
         std::ranges::all_of(processes_, [](const Process& p) { return p.ready || p.retired; });
}

void Supervisor::announce_ready() {
  if (announced_ || stopping_ || !everything_ready()) return;
  announced_ = true;
  log::write("started", {{"processes", processes_.size()}});
  spawner_.announce(Notice::ready);
  give_back_set_up_memory();
}

// ---- the loop

void Supervisor::wait_and_serve() {
  std::vector<pollfd> entries{{spawner_.fd(), POLLIN, 0}};
  std::vector<Process*> order;
  for (Process& process : processes_) {
    entries.push_back({process.control.fd(), POLLIN, 0});  // negative once closed: ignored
    order.push_back(&process);
  }
  int timeout = spawner_.has_next() ? 0 : -1;
  if (const auto deadline = next_deadline(); deadline && timeout != 0)
    timeout = static_cast<int>(std::max<long long>(
        0, std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count()));
  if (::poll(entries.data(), entries.size(), timeout) < 0 && errno != EINTR) fatal_errno("poll");
  for (std::size_t i = 0; i < order.size(); ++i)
    if (entries[1 + i].revents != 0) on_message(*order[i]);
  on_spawner();
  start_due();
  remake_due();
  kill_overdue();
  announce_ready();
}

std::optional<Supervisor::Time> Supervisor::next_deadline() const {
  std::optional<Time> next;
  const auto consider = [&](Time time) { next = next ? std::min(*next, time) : time; };
  for (const auto& [role, restart] : restarts_) consider(restart.at);
  for (const Link& link : links_)
    if (link.remake_at) consider(*link.remake_at);
  for (const Process& process : processes_) {
    if (process.end_by) consider(*process.end_by);
    if (process.logins_end_by) consider(*process.logins_end_by);
  }
  return next;
}

void Supervisor::on_spawner() {
  while (const auto event = spawner_.next()) {
    if (const auto* ended = std::get_if<ProcessEnded>(&*event))
      on_ended(*ended);
    else if (const auto* connections = std::get_if<ConnectionsEnded>(&*event))
      on_connections_ended(*connections);
    else if (std::get<OrderCame>(*event).order == Order::reload)
      reload();
    else
      stop();
  }
}

void Supervisor::stop() {
  spawner_.announce(Notice::stopping);
  stop_all();
}

// False when there is nothing more from this process now.
bool Supervisor::on_message(Process& process) {
  if (!process.control.is_open()) return false;
  auto received = process.control.receive(ipc::PacketSocket::Wait::no);
  if (!received) {
    if (received.error() == ipc::ReceiveError::malformed) end_for(process, "malformed");
    if (received.error() == ipc::ReceiveError::closed) process.control.close();
    return false;
  }
  try {  // nothing that one process says ends the others
    handle(process, received->message);
  } catch (const std::exception& error) {
    end_for(process, error.what());
  }
  return true;
}

void Supervisor::handle(Process& process, const ProcessToSupervisor& message) {
  if (std::holds_alternative<Ready>(message)) {
    process.ready = true;
    log::write("process-ready", {{"process", process.unique_name()}, {"pid", process.pid}});
    if (trial_) finish_trial();
  } else if (const auto* crash = std::get_if<ConnectionCrashed>(&message)) {
    on_crash(process, crash->peer);
  } else if (const auto* lost = std::get_if<ChannelLost>(&message)) {
    on_channel_lost(process, *lost);
  } else if (process.role != Role::policyd) {
    log::write("peer-misbehaved", {{"channel", "control"},
                                   {"peer", process.unique_name()},
                                   {"reason", "asked for an account directory"}});
  } else if (const auto* make = std::get_if<MakeAccountDirectories>(&message)) {
    make_account_directories(process, *make);
  } else if (const auto* remove = std::get_if<RemoveAccountDirectory>(&message)) {
    spawner_.remove(*remove);
  }
}

void Supervisor::make_account_directories(Process& process, const MakeAccountDirectories& request) {
  if (request.accounts.size() > kMaxAccountDirectories)
    return end_for(process, "asked for too many account directories");
  tell(process, spawner_.make(request));
}

}  // namespace mailroom
