#include "daemons/relayd/listener.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "daemons/listener/children.h"
#include "daemons/log.h"
#include "daemons/relayd/process.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/heap.h"
#include "libcommon/sys/jail.h"
#include "libcommon/sys/kept_descriptors.h"
#include "libcommon/sys/set_up_memory.h"

namespace mailroom::relayd {
namespace {

constexpr int kEventsPerWait = 16;

// A bundle of authorities is some 200 KiB.
constexpr std::size_t kMaxBundle = 4 * 1024 * 1024;

std::string read_bundle(int fd) {
  std::string bytes;
  char buffer[16384];
  for (ssize_t got; bytes.size() < kMaxBundle && (got = ::read(fd, buffer, sizeof buffer)) > 0;)
    bytes.append(buffer, static_cast<std::size_t>(got));
  return bytes;
}

}  // namespace

Listener::Listener(const Launch& launch)
    : launch_{launch}, config_{launch.config}, passed_{launch},
      uids_{config_.uids, UidPool::kRelayd, launch.generation}, control_{Fd{kControlFd}} {
  const Slot slots = std::min(config_.relayd.max_connections, uids_.usable());
  for (Slot slot = slots; slot > 0; --slot) free_.push_back(slot - 1);
}

void Listener::make_tls() {
  tls::ClientSettings settings{.authorities_pem = {}, .old_versions = config_.outbound_tls.old_versions};
  if (const Fd bundle = passed_.take("authorities")) settings.authorities_pem = read_bundle(bundle.get());
  if (settings.authorities_pem.empty())
    log::write("authorities-missing", {{"file", config_.outbound_tls.ca_file}});
  auto context = tls::ClientContext::make(settings);
  if (!context) log::fatal(context.error());
  tls_.emplace(std::move(*context));
  tls_->warm_up();
}

void Listener::watch(int fd, Tag tag) {
  epoll_event event{EPOLLIN, {.u32 = static_cast<std::uint32_t>(tag)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fatal_errno("epoll_ctl");
}

int Listener::run() {
  make_tls();
  enter_jail(launch_);
  signals_ = child_signals();
  epoll_ = Fd{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll_) fatal_errno("epoll_create1");
  close_jail(launch_);
  settle_heap();  // last: to make a filter leaves holes too

  watch(control_.fd(), Tag::control);
  watch(signals_.get(), Tag::signals);
  control_.send(Ready{});

  epoll_event events[kEventsPerWait];
  while (!finished()) {
    const int count = ::epoll_wait(epoll_.get(), events, kEventsPerWait, -1);
    if (count < 0 && errno != EINTR) fatal_errno("epoll_wait");
    for (int i = 0; i < count; ++i)
      if (!serve_one(static_cast<Tag>(events[i].data.u32))) return 0;
  }
  return 0;
}

// False when the system has ended.
bool Listener::serve_one(Tag tag) {
  switch (tag) {
  case Tag::control:
    serve_supervisor(control_, {.attach = [this](const AttachChannel& channel,
                                                 LeasedFd end) { attach(channel.kind, std::move(end)); },
                                .drain = [this](bool at_once) { drain(at_once); }});
    return control_.is_open();
  case Tag::signals:
    reap_children(signals_.get(), [this](pid_t pid, int status) { on_child_ended(pid, status); });
    return true;
  case Tag::queued:
    if (queued_.is_open()) on_queued();
    return true;
  }
  return true;
}

void Listener::attach(const std::string& kind, LeasedFd fd) {
  if (kind == "relayd-authd") {
    authd_ = decltype(authd_){std::move(fd)};
  } else if (kind == "queued-relayd" && !draining_) {
    queued_ = decltype(queued_){std::move(fd)};
    watch(queued_.fd(), Tag::queued);
  }
  release_constants();
}

// Connections go on to the end of what queued has for them.  Told a second time: a listener has been started
// that uses the same uids; then they begin nothing more.  When the system ends there is no queued that could
// hear of them.
void Listener::drain(bool at_once) {
  const bool uids_are_needed = draining_;
  draining_ = true;
  queued_.close();
  if (!at_once && !uids_are_needed) return;
  for (const auto& [pid, child] : children_) ::shutdown(child.channel.get(), at_once ? SHUT_RDWR : SHUT_RD);
}

void Listener::on_queued() {
  auto received = queued_.receive(ipc::PacketSocket::Wait::no, 1);
  if (!received) {
    if (received.error() == ipc::ReceiveError::would_block) return;
    if (received.error() == ipc::ReceiveError::malformed)
      log::write("channel-closed",
                 {{"channel", "queued-relayd"}, {"peer", "queued"}, {"reason", "malformed"}});
    return queued_.close();
  }
  const OpenRelay& request = std::get<OpenRelay>(received->message);
  if (received->descriptors.size() == 1) return open(request, std::move(received->descriptors.front()));
  log::write("peer-misbehaved", {{"channel", "queued-relayd"}, {"peer", "queued"}, {"reason", "no channel"}});
  queued_.close();
}

void Listener::refuse(RelayId relay, std::string_view reason) {
  log::write("relay-refused", {{"relay", log::Id{relay}}, {"reason", reason}});
  queued_.send(RelayRefused{relay}, {}, ipc::PacketSocket::Wait::no);
}

void Listener::open(const OpenRelay& request, Fd channel) {
  if (crashed_) return refuse(request.relay, "another has crashed");  // nobody tries on that layout again
  if (free_.empty()) return refuse(request.relay, "as many connections as there may be");
  Fd to_authd;
  if (request.route != 0 && !open_credentials(request, to_authd)) return refuse(request.relay, "no authd");
  const Slot slot = free_.back();
  const pid_t pid = ::fork();
  if (pid == 0) become_child(request, slot, std::move(channel), std::move(to_authd));
  if (pid < 0) return refuse(request.relay, std::strerror(errno));
  free_.pop_back();
  children_.emplace(pid, Child{request.relay, slot, std::chrono::steady_clock::now(), std::move(channel)});
}

bool Listener::open_credentials(const OpenRelay& request, Fd& child_end) {
  if (!authd_.is_open()) return false;
  try {
    auto [far, near] = ipc::make_channel();
    const int raw = far.get();
    child_end = std::move(near);
    const auto sent =
        authd_.send(OpenCredentials{request.relay, request.route}, {&raw, 1}, ipc::PacketSocket::Wait::no);
    if (sent == ipc::SendResult::closed) authd_.close();  // the supervisor makes another
    return sent == ipc::SendResult::sent;
  } catch (const std::system_error&) {
    return false;
  }
}

void Listener::become_child(const OpenRelay& request, Slot slot, Fd to_queued, Fd to_authd) {
  // First of all: the other connections' channels.
  close_all_but({to_queued.get(), to_authd.get()});
  if (!launch_.unprivileged) become_in_child(uids_.uid(slot));
  forbid_forks();
  int status = 0;
  try {
    RelayProcess process{config_, *tls_, request.relay, std::move(to_queued), std::move(to_authd)};
    run_relay(process);
  } catch (const StreamError&) {  // told to end
  } catch (const std::exception& error) {
    log::write("fatal", {{"reason", error.what()}});
    status = kFatalExit;
  }
  ::_exit(status);
}

void Listener::on_child_ended(pid_t pid, int status) {
  const auto found = children_.find(pid);
  if (found == children_.end()) return;
  const Child child = std::move(found->second);
  children_.erase(found);
  free_.push_back(child.slot);
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - child.started)
          .count();
  log::write("relay-closed",
             {{"relay", log::Id{child.relay}}, {"reason", exit_words(status)}, {"seconds", seconds}});
  if (!ended_abnormally(status) || crashed_ || draining_) return;
  // All children share this process's address layout.
  log::write("connection-crashed",
             {{"session", log::Id{child.relay}}, {"service", "relay"}, {"reason", exit_words(status)}});
  crashed_ = true;
  control_.send(ConnectionCrashed{});
}

int run_relayd() {
  const Launch launch = read_launch(Role::relayd);
  set_up_process(launch);
  try {
    return Listener{launch}.run();
  } catch (const std::exception& error) {
    log::fatal(error.what());
  }
}

}  // namespace mailroom::relayd
