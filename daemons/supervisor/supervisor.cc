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
#include "daemons/mailroomd/sealed_memfd.h"
#include "daemons/supervisor/sockets.h"
#include "daemons/supervisor/walls.h"
#include "libcommon/ipc/codec.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/set_up_memory.h"

namespace mailroom {
namespace {

// Whose tools have a control socket.
constexpr std::array kRolesWithTools{Role::logd, Role::policyd, Role::authd, Role::queued};

bool may_be_absent(Role role, const Config& config) {
  if (role == Role::relayd) return false;
  if (role == Role::krbd) return !config.kerberos.enabled();
  if (role == Role::certd) return !config.client_certificate.enabled();
  if (role == Role::kdcd) return !config.kerberos.enabled() || config.kerberos.kdcs.empty();
  if (!is_listener(role)) return role == Role::keyd && config.certificates.empty();
  const auto serves = [role](const ListenerConfig& listener) {
    switch (role) {
    case Role::smtpd_mx:
      return listener.service == Service::mx;
    case Role::smtpd_submission:
      return listener.service == Service::submission;
    case Role::smtpd_outgoing:
      return listener.service == Service::outgoing;
    case Role::smtpd_relay:
      return listener.service == Service::relay;
    case Role::kpopd:
      return listener.service == Service::kpop;
    case Role::pop3d:
      return listener.service == Service::pop3;
    default:
      return listener.service == Service::imap;
    }
  };
  return std::ranges::none_of(config.listeners, serves);
}

// Those that hold what was read from files of the configuration.
bool is_replaced_at_reload(Role role) {
  return is_listener(role) || role == Role::keyd || role == Role::krbd || role == Role::certd;
}

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
  log::write("starting", {{"version", MAILROOM_VERSION},
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
    if (!starts_others(row.role) && !may_be_absent(row.role, config_)) start(row.role);
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

// ---- reload

void Supervisor::reload() {
  if (stopping_)
    return log::write("reload-refused",
                      {{"config", options_.config_file}, {"errors", "the system is stopping"}});
  auto loaded = load_configuration(options_.config_file);
  if (!loaded)
    return log::write("reload-refused", {{"config", options_.config_file}, {"errors", loaded.error()}});
  const auto fixed = config::changes_that_need_restart(config_, *loaded);
  for (const std::string& key : fixed)
    log::write("config-error",
               {{"file", options_.config_file}, {"line", 0}, {"reason", key + " changes only by a restart"}});
  if (!fixed.empty())
    return log::write("reload-refused", {{"config", options_.config_file}, {"errors", fixed.size()}});
  Fd block;
  try {
    block = sealed_memfd(ipc::encode(*loaded));
    open_sockets(*loaded);
  } catch (const std::exception& error) {
    return log::write("reload-refused", {{"config", options_.config_file}, {"errors", error.what()}});
  }
  config_ = std::move(*loaded);
  shut_out_.clear();
  const int raw = block.get();
  std::vector<Process*> replaced;
  for (Process& process : processes_) {
    if (process.retired) continue;
    if (is_replaced_at_reload(process.role))
      replaced.push_back(&process);
    else
      tell(process, Reconfigure{}, {&raw, 1});
  }
  for (Process* process : replaced) retire(*process);
  for (const ProcessRow& row : kProcesses)
    if (is_replaced_at_reload(row.role) && !may_be_absent(row.role, config_)) start_or_retry(row.role);
  log::write("reload-done", {{"config", options_.config_file}});
}

}  // namespace mailroom
