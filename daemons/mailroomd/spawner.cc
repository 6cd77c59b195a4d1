#include "daemons/mailroomd/spawner.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <system_error>

#include "daemons/log.h"
#include "daemons/mailroomd/children.h"
#include "daemons/mailroomd/notify.h"
#include "daemons/mailroomd/spawn.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/set_up_memory.h"

namespace mailroom {
namespace {

// So that a process that is busy starting is not taken for one that does not read.
void make_room(int control) {
  const int size = ipc::kSendBuffer;
  if (::setsockopt(control, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
    ::setsockopt(control, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

}  // namespace

int Spawner::run() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t handled;
  sigemptyset(&handled);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&handled, number);
  ::sigprocmask(SIG_BLOCK, &handled, nullptr);
  signals_ = Fd{::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signals_) throw std::system_error(errno, std::generic_category(), "signalfd");
  start_supervisor();
  while (!status_) serve();
  return *status_;
}

void Spawner::start_supervisor() {
  const ProcessRow& row = process_row(Role::supervisor);
  auto [ours, theirs] = ipc::make_channel();
  SpawnRequest request{.program = config_.directories.libexec + "/" + std::string{row.program},
                       .name = std::string{row.name},
                       .arguments = {"--config", options_.config_file},
                       .log = STDERR_FILENO,
                       .passed = {theirs.get()}};
  if (options_.unprivileged) request.arguments.emplace_back("--unprivileged");
  supervisor_pid_ = spawn(request);
  supervisor_ = decltype(supervisor_){std::move(ours)};
}

void Spawner::serve() {
  pollfd entries[] = {{signals_.get(), POLLIN, 0}, {supervisor_.fd(), POLLIN, 0}};
  if (::poll(entries, std::size(entries), -1) < 0 && errno != EINTR) fatal_errno("poll");
  if (entries[1].revents != 0) on_supervisor();
  if (entries[0].revents != 0) on_signals();
}

void Spawner::on_signals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    const auto number = static_cast<int>(info.ssi_signo);
    if (number == SIGHUP) supervisor_.send(OrderCame{Order::reload});
    if (number == SIGTERM || number == SIGINT) {
      log::write("stopping", {{"signal", ::sigabbrev_np(number)}});
      supervisor_.send(OrderCame{Order::stop});
    }
  }
  reap();
}

// As the first process of a container, mailroomd inherits the children of a listener that died.
void Spawner::reap() {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
    on_ended(info.si_pid, info.si_code != CLD_EXITED, info.si_status);
  }
}

void Spawner::on_ended(pid_t pid, bool by_signal, int status) {
  if (children_.erase(pid) != 0) supervisor_.send(ProcessEnded{pid, by_signal, status});
  if (pid != supervisor_pid_) return;
  if (by_signal)
    log::write("fatal",
               {{"reason", std::string{"the supervisor ended by signal "} + ::sigabbrev_np(status)}});
  status_ = by_signal || status != 0 ? 1 : 0;  // what is left of the others ends with this process
}

// Its end is told by its parent's signal.
void Spawner::on_supervisor() {
  auto received = supervisor_.receive(ipc::PacketSocket::Wait::no, ipc::kMaxDescriptors);
  if (!received) {
    if (received.error() == ipc::ReceiveError::would_block) return;
    if (received.error() == ipc::ReceiveError::malformed) log::fatal("the supervisor misbehaves");
    return supervisor_.close();
  }
  if (auto* start = std::get_if<StartProcess>(&received->message))
    return handle(*start, std::move(received->descriptors));
  if (const auto* pass = std::get_if<PassDescriptors>(&received->message)) {
    if (pass->first) passed_.clear();
    for (Fd& fd : received->descriptors) passed_.push_back(std::move(fd));
    if (passed_.size() > kMostPassed) log::fatal("the supervisor passes too many descriptors");
  } else if (const auto* end = std::get_if<EndProcess>(&received->message)) {
    handle(*end);
  } else if (const auto* connections = std::get_if<EndConnections>(&received->message)) {
    handle(*connections);
  } else if (const auto* announce = std::get_if<Announce>(&received->message)) {
    handle(*announce);
  } else if (const auto* make = std::get_if<MakeAccountDirectories>(&received->message)) {
    handle(*make);
  } else if (const auto* remove = std::get_if<RemoveAccountDirectory>(&received->message)) {
    account_directories_.remove(remove->account);
  }
}

void Spawner::handle(const StartProcess& message, std::vector<Fd> descriptors) {
  if (descriptors.size() != 2 || starts_others(message.role)) log::fatal("the supervisor misbehaves");
  const std::vector<Fd> passed = std::exchange(passed_, {});
  try {
    const ProcessRow& row = process_row(message.role);
    auto [ours, theirs] = ipc::make_channel();
    make_room(ours.get());
    SpawnRequest request{.program = config_.directories.libexec + "/" + std::string{row.program},
                         .name = std::string{row.name},
                         .log = descriptors[0].get(),
                         .passed =
                             warrants_.first_descriptors(message.role, theirs.get(), descriptors[1].get())};
    for (const Fd& fd : passed) request.passed.push_back(fd.get());
    const pid_t pid = spawn(request);
    children_.insert(pid);
    const int raw = ours.get();
    if (supervisor_.send(ProcessStarted{pid}, {&raw, 1}) != ipc::SendResult::too_many_descriptors) return;
    ::kill(pid, SIGKILL);
    supervisor_.send(NotStarted{ETOOMANYREFS});
  } catch (const std::system_error& error) {
    supervisor_.send(NotStarted{error.code().value()});
  }
}

void Spawner::handle(const EndProcess& message) {
  if (children_.contains(message.pid)) ::kill(message.pid, SIGKILL);
}

void Spawner::handle(const EndConnections& message) {
  if (!children_.contains(message.pid)) return;
  const UidConfig& uids = config_.uids;
  supervisor_.send(
      ConnectionsEnded{message.pid, kill_children(message.pid, message.whose, uids.login, uids.login_count)});
}

void Spawner::handle(const MakeAccountDirectories& message) {
  if (message.accounts.size() > kMaxAccountDirectories) log::fatal("the supervisor misbehaves");
  supervisor_.send(account_directories_.make(message.accounts));
}

void Spawner::handle(const Announce& message) {
  if (message.notice == Notice::stopping) return notify_systemd("STOPPING=1");
  notify_systemd("READY=1");
  notify_descriptor(std::exchange(ready_, {}));
  give_back_set_up_memory();
}

}  // namespace mailroom
