#include "daemons/listener/listener.h"

#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "daemons/base/certificates_off.h"
#include "daemons/base/listener_service.h"
#include "daemons/listener/children.h"
#include "daemons/listener/tls_rules.h"
#include "daemons/log.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/frozen_memory.h"
#include "libcommon/sys/heap.h"
#include "libcommon/sys/set_up_memory.h"

namespace mailroom {
namespace {

constexpr int kEventsPerWait = 64;

const ConnectionLimits& limits_of(const Config& config, Service service) {
  switch (service) {
  case Service::pop3:
  case Service::kpop:
    return config.pop3d.connections;
  case Service::imap:
    return config.imapd.connections;
  default:
    return config.smtpd.connections;
  }
}

UidPool pool_of(const Launch& launch, Service service) {
  return UidPool{launch.config.uids, static_cast<UidPool::Part>(service), launch.generation};
}

}  // namespace

Listener::Listener(const Launch& launch, const Protocol& protocol)
    : launch_{launch}, config_{launch.config}, protocol_{protocol}, service_{service_of(launch.role).value()},
      passed_{launch}, control_{Fd{kControlFd}}, uids_{pool_of(launch, service_)}, table_{limits_of(config_,
                                                                                                    service_),
                                                                                          uids_.size()} {}

void Listener::take_descriptors() {
  std::size_t number = 0;
  for (const ListenerConfig& listener : config_.listeners) {
    Fd fd = passed_.take("listen " + std::to_string(number++));
    if (listener.service == service_ && fd) sockets_.push_back({std::move(fd), listener});
  }
  if (process_row(launch_.role).calls == Calls::session_listener) spool_mail_ = Fd{kMailFd};
}

void Listener::make_tls() {
  if (config_.certificates.empty()) return;
  for (auto socket = sockets_.begin(); socket != sockets_.end(); ++socket) {
    const auto wants_the_same = [&](const ListenSocket& other) {
      return other.config.quirks.tls_min == socket->config.quirks.tls_min &&
             other.config.quirks.old_ciphers == socket->config.quirks.old_ciphers &&
             other.config.client_certificate == socket->config.client_certificate;
    };
    const auto before = std::find_if(sockets_.begin(), socket, wants_the_same);
    socket->tls = before != socket ? before->tls : make_tls_context(socket->config);
  }
}

// Clients are not asked for certificates when the authorities are no good: they may have passwords.
tls::ServerContext* Listener::make_tls_context(const ListenerConfig& listener) {
  auto settings = tls_settings(config_, listener, protocol_.alpn);
  settings.may_move = protocol_.after_login != nullptr;
  auto context = tls::ServerContext::make(settings);
  if (!context && !std::exchange(settings.client_authorities_pem, {}).empty()) {
    const std::string reason = std::move(context.error());
    context = tls::ServerContext::make(settings);
    if (context) log_certificates_off(config_.client_certificate.authorities_file, 0, reason);
  }
  if (!context) log::fatal(context.error());
  tls_.push_back(std::make_unique<tls::ServerContext>(std::move(*context)));
  tls_.back()->warm_up();
  return tls_.back().get();
}

// Without sessions there is little that the listener may do and its children may not, and all of it is
// nothing without root's rights, a listening socket or a free process.  A filter for each connection would
// cost twice its fork.
void Listener::make_child_filters() {
  if (process_row(launch_.role).calls == Calls::listener) return;
  before_login_filter_.emplace(std::initializer_list{CallSet::basic, CallSet::memory_files});
  session_filter_.emplace(std::initializer_list{CallSet::basic, CallSet::files, CallSet::watch});
}

void Listener::watch(int fd, Tag kind, std::uint32_t index) {
  epoll_event event{EPOLLIN, {.u64 = static_cast<std::uint64_t>(kind) << 32 | index}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fatal_errno("epoll_ctl");
}

int Listener::run() {
  take_descriptors();
  FrozenMemory frozen;
  make_tls();
  make_child_filters();
  enter_jail(launch_, spool_mail_.get());

  signals_ = child_signals();
  epoll_ = Fd{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll_) fatal_errno("epoll_create1");
  close_jail(launch_);
  settle_heap();  // last: to make a filter leaves holes too
  frozen.freeze();

  watch(control_.fd(), Tag::control);
  watch(signals_.get(), Tag::signals);
  control_.send(Ready{});

  epoll_event events[kEventsPerWait];
  while (!finished()) {
    const int count = ::epoll_wait(epoll_.get(), events, kEventsPerWait, on_time());
    if (count < 0 && errno != EINTR) fatal_errno("epoll_wait");
    for (int i = 0; i < count; ++i)
      if (!serve_one(static_cast<Tag>(events[i].data.u64 >> 32),
                     static_cast<std::uint32_t>(events[i].data.u64)))
        return 0;
  }
  return 0;
}

// False when the system has ended.
bool Listener::serve_one(Tag kind, std::uint32_t index) {
  switch (kind) {
  case Tag::control:
    serve_supervisor(control_, {.attach = [this](const AttachChannel& channel,
                                                 LeasedFd end) { attach(channel, std::move(end)); },
                                .drain = [this](bool at_once) { drain(at_once); }});
    return control_.is_open();
  case Tag::signals:
    reap_children(signals_.get(), [this](pid_t pid, int status) { on_child_ended(pid, status); });
    return true;
  case Tag::policyd:
    on_policyd();
    return true;
  case Tag::socket:
    accept_some(index);
    return true;
  case Tag::child:
    if (table_.is_open(index)) on_child_or_close(index);
    return true;
  }
  return true;
}

void Listener::attach(const AttachChannel& channel, LeasedFd fd) {
  if (channel.kind.ends_with("-authd")) {
    authd_ = decltype(authd_){std::move(fd)};
  } else if (channel.kind.ends_with("-policyd")) {
    policyd_ = decltype(policyd_){std::move(fd)};
    unreported_.clear();  // it has never heard of them
    watch(policyd_.fd(), Tag::policyd);
  } else if (channel.kind.ends_with("-queued")) {
    queued_ = decltype(queued_){std::move(fd)};
  } else if (channel.kind.ends_with("-keyd")) {
    keyd_ = decltype(keyd_){std::move(fd)};
  }
  accept_once_connected();
}

bool Listener::has_servers() const {
  return policyd_.is_open() && (!takes_logins(service_) || authd_.is_open()) &&
         (!is_smtp(service_) || queued_.is_open()) && (tls_.empty() || keyd_.is_open());
}

// Until the servers are there for the first time, connections wait in the kernel's queue.
void Listener::accept_once_connected() {
  if (accepting_ || !has_servers()) return;
  accepting_ = true;
  watch_sockets(EPOLL_CTL_ADD);
  release_constants();
}

// Told a second time: a listener has been started that uses the same uids.  Sessions, which have others, go
// on.
void Listener::drain(bool at_once) {
  const bool uids_are_needed = draining_;
  draining_ = true;
  accept_again_.reset();
  watch_sockets(EPOLL_CTL_DEL);  // closing does not end a watch: the supervisor has the same sockets open
  for (ListenSocket& socket : sockets_) socket.fd.reset();
  if (!at_once && !uids_are_needed) return;
  for (Slot slot = 0; slot < children_.size(); ++slot)
    if (table_.is_open(slot)) end_channel(slot);
  if (!at_once) return;
  for (auto& [pid, session] : sessions_) session.stop.reset();
}

bool Listener::finished() const { return draining_ && slot_of_.empty() && sessions_.empty(); }

void Listener::on_child_ended(pid_t pid, int status) {
  IpAddress peer;
  ConnectionId connection = 0;
  if (const auto child = slot_of_.find(pid); child != slot_of_.end()) {
    const Slot slot = child->second;
    peer = children_[slot].peer;
    connection = children_[slot].connection;
    if (table_.is_open(slot)) close_connection(slot, exit_words(status));
    table_.release(slot);
    slot_of_.erase(child);
  } else if (const auto session = sessions_.find(pid); session != sessions_.end()) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now() - session->second.started).count();
    peer = session->second.peer;
    connection = session->second.connection;
    log::write("session-ended", {{"session", log::Id{connection}},
                                 {"account", session->second.name},
                                 {"reason", exit_words(status)},
                                 {"seconds", seconds}});
    table_.close_session(session->second.account);
    sessions_.erase(session);
  }
  const bool by_mailroomd = draining_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  if (!ended_abnormally(status) || by_mailroomd) return;
  log::write("connection-crashed", {{"session", log::Id{connection}},
                                    {"service", service_name(service_)},
                                    {"peer", peer.text()},
                                    {"reason", exit_words(status)}});
  // All children share this process's address layout: whoever crashed one on purpose has learnt about the
  // others, and must not try on them.
  close_connections_of(peer, "another crashed");
  if (crashed_ || draining_) return;
  crashed_ = true;
  stop_accepting();
  control_.send(ConnectionCrashed{peer});
}

int run_listener(Role role, const Protocol& protocol) {
  const Launch launch = read_launch(role);
  set_up_process(launch);
  try {
    return Listener{launch, protocol}.run();
  } catch (const std::exception& error) {
    log::fatal(error.what());
  }
}

}  // namespace mailroom
