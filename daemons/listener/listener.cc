#include "daemons/listener/listener.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "daemons/listener/kept_descriptors.h"
#include "daemons/listener/session_start.h"
#include "daemons/log.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/jail.h"
#include "libcommon/sys/random.h"
#include "libcommon/sys/stream.h"

namespace mailroom {
namespace {

// Connections taken from one listening socket in a turn, so that the other descriptors are served too.
constexpr int kAcceptBurst = 32;
constexpr int kEventsPerWait = 64;

// What an epoll entry is about: the kind in the upper half, an index in the lower.
enum class Tag : std::uint32_t { control, signals, policyd, socket, child };
constexpr std::uint64_t tag(Tag kind, std::uint32_t index = 0) {
  return static_cast<std::uint64_t>(kind) << 32 | index;
}

Service service_of(Role role) {
  switch (role) {
  case Role::smtpd_mx: return Service::mx;
  case Role::smtpd_submission: return Service::submission;
  case Role::pop3d: return Service::pop3;
  default: return Service::imap;
  }
}

const ConnectionLimits& limits_of(const Config& config, Service service) {
  switch (service) {
  case Service::pop3: return config.pop3d.connections;
  case Service::imap: return config.imapd.connections;
  default: return config.smtpd.connections;
  }
}

// Each listener has its part of the pool of uids, one half for each of two generations: after a reload both live.
constexpr std::uint32_t kPoolParts = 8;
std::uint32_t pool_part_size(const Config& config) { return config.uids.login_count / kPoolParts; }

std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }

std::string exit_words(int status) {
  if (WIFSIGNALED(status)) return std::string{"signal "} + ::sigabbrev_np(WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "end" : "exit " + std::to_string(WEXITSTATUS(status));
}

bool ended_abnormally(int status) {
  return WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == kFatalExit);
}

}  // namespace

Listener::Listener(const Launch& launch, const Protocol& protocol)
    : launch_{launch},
      config_{launch.config},
      protocol_{protocol},
      service_{service_of(launch.role)},
      passed_{launch},
      control_{Fd{kControlFd}},
      table_{limits_of(config_, service_), pool_part_size(config_)},
      children_(std::min(limits_of(config_, service_).total, pool_part_size(config_))) {}

uid_t Listener::pool_uid(Slot slot) const {
  const unsigned part = static_cast<unsigned>(service_) * 2 + launch_.generation % 2;
  return config_.uids.login + part * pool_part_size(config_) + slot;
}

void Listener::take_descriptors() {
  std::size_t number = 0;
  for (const ListenerConfig& listener : config_.listeners) {
    Fd fd = passed_.take("listen " + std::to_string(number++));
    if (listener.service == service_ && fd) sockets_.push_back({std::move(fd), listener});
  }
  spool_mail_ = passed_.take("spool-mail");
}

void Listener::make_tls() {
  if (config_.certificates.empty()) return;
  tls::ServerSettings settings{.identities = {}, .protocol = protocol_.alpn};
  for (const CertificateConfig& certificate : config_.certificates)
    settings.identities.push_back({certificate.names, certificate.chain_pem});
  auto context = tls::ServerContext::make(settings);
  if (!context) log::fatal(context.error());
  tls_.emplace(std::move(*context));
  tls_->warm_up();
}

void Listener::watch(int fd, std::uint64_t what) {
  epoll_event event{EPOLLIN, {.u64 = what}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fatal_errno("epoll_ctl");
}

int Listener::run() {
  take_descriptors();
  make_tls();
  before_login_filter_.emplace(std::initializer_list{CallSet::basic, CallSet::memory_files});
  session_filter_.emplace(std::initializer_list{CallSet::basic, CallSet::files, CallSet::watch});
  const Fd root = passed_.take("root");
  enter_jail(launch_, root.get(), spool_mail_.get());

  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  signals_ = Fd{::signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK)};
  epoll_ = Fd{::epoll_create1(EPOLL_CLOEXEC)};
  if (!signals_ || !epoll_) fatal_errno("signalfd or epoll");
  close_jail(launch_);

  watch(control_.fd(), tag(Tag::control));
  watch(signals_.get(), tag(Tag::signals));
  control_.send(Ready{});
  for (std::uint32_t i = 0; i < sockets_.size(); ++i) watch(sockets_[i].fd.get(), tag(Tag::socket, i));

  epoll_event events[kEventsPerWait];
  while (!finished()) {
    const int count = ::epoll_wait(epoll_.get(), events, kEventsPerWait, -1);
    if (count < 0 && errno != EINTR) fatal_errno("epoll_wait");
    for (int i = 0; i < count; ++i)
      if (!serve_one(events[i].data.u64)) return 0;
  }
  return 0;
}

// False when the system has ended.
bool Listener::serve_one(std::uint64_t what) {
  const auto index = static_cast<std::uint32_t>(what);
  switch (static_cast<Tag>(what >> 32)) {
  case Tag::control: on_control(); return control_.is_open();
  case Tag::signals: reap(); return true;
  case Tag::policyd: on_policyd(); return true;
  case Tag::socket: accept_some(index); return true;
  case Tag::child:
    if (table_.is_open(index)) on_child(index);
    return true;
  }
  return true;
}

void Listener::on_control() {
  auto received = control_.receive(ipc::PacketSocket::Wait::no, 1);
  if (!received) {
    if (received.error() != ipc::ReceiveError::would_block) control_.close();
    return;
  }
  if (const auto* channel = std::get_if<AttachChannel>(&received->message)) {
    if (received->descriptors.size() == 1) attach(*channel, std::move(received->descriptors.front()));
  } else if (const auto* draining = std::get_if<Drain>(&received->message)) {
    drain(draining->at_once);
  }
}

void Listener::attach(const AttachChannel& channel, Fd fd) {
  if (channel.kind.ends_with("-authd")) {
    authd_ = decltype(authd_){std::move(fd)};
  } else if (channel.kind.ends_with("-policyd")) {
    policyd_ = decltype(policyd_){std::move(fd)};
    watch(policyd_.fd(), tag(Tag::policyd));
  } else if (channel.kind.ends_with("-queued")) {
    queued_ = decltype(queued_){std::move(fd)};
  } else if (channel.kind.ends_with("-keyd")) {
    keyd_ = decltype(keyd_){std::move(fd)};
  }
}

void Listener::drain(bool at_once) {
  draining_ = true;
  for (ListenSocket& socket : sockets_) socket.fd.reset();  // which also ends its watch
  if (!at_once) return;
  for (Slot slot = 0; slot < children_.size(); ++slot)
    if (table_.is_open(slot)) children_[slot].channel.close();
  for (auto& [pid, session] : sessions_) session.stop.reset();
}

bool Listener::finished() const { return draining_ && slot_of_.empty() && sessions_.empty(); }

// ---- connections

ConnectionId Listener::new_id() {
  if (random_left_ == 0) {
    fill_random(random_.data(), sizeof random_);
    random_left_ = random_.size();
  }
  const ConnectionId id = random_[--random_left_];
  return id == 0 ? new_id() : id;
}

void Listener::accept_some(std::size_t socket) {
  for (int i = 0; i < kAcceptBurst && sockets_[socket].fd; ++i) {
    Fd client{::accept4(sockets_[socket].fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (client) {
      open_connection(socket, std::move(client));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      log::write("accept-failed", {{"address", sockets_[socket].config.address.text()}, {"reason", std::strerror(errno)}});
      return;
    }
  }
}

void Listener::open_connection(std::size_t socket, Fd client) {
  const auto peer = peer_of(client.get());
  if (!peer) return;  // has gone already
  if (std::ranges::find(launch_.shut_out, peer->host_for_limits()) != launch_.shut_out.end()) return;
  const ConnectionId id = new_id();
  auto slot = table_.open(id, *peer, now());
  if (!slot && slot.error() == ConnectionTable::Refusal::service_full) {
    if (const auto oldest = table_.oldest_before_login()) {
      log::write("connection-evicted", {{"session", log::Id{table_.at(*oldest).id}},
                                        {"service", service_name(service_)},
                                        {"peer", table_.at(*oldest).peer.text()}});
      close_connection(*oldest, "evicted");
      slot = table_.open(id, *peer, now());
    }
  }
  if (!slot) return turn_away(socket, client.get(), *peer, slot.error());

  Child& child = children_[*slot];
  child = Child{.socket = socket};
  auto ends = connect_servers(id, *peer, std::move(client), child);
  if (!ends) return close_connection(*slot, "no server");
  const pid_t pid = ::fork();
  if (pid == 0) become_child(*slot, socket, std::move(*ends));
  if (pid < 0) {
    log::write("accept-failed", {{"address", peer->text()}, {"reason", std::strerror(errno)}});
    return close_connection(*slot, "fork failed");
  }
  child.pid = pid;
  slot_of_.emplace(pid, *slot);
  watch(child.channel.fd(), tag(Tag::child, *slot));
  log::write("connection-opened", {{"session", log::Id{id}}, {"service", service_name(service_)},
                                   {"peer", peer->text()}, {"child", pid}});
}

// Tells the servers of the new connection.  Nothing when one of them cannot be told now: the client sees its connection
// closed and comes again.
std::optional<Listener::NewConnection> Listener::connect_servers(ConnectionId id, const IpAddress& peer, Fd client,
                                                                 Child& child) {
  constexpr auto kNoWait = ipc::PacketSocket::Wait::no;
  NewConnection ends{.client = std::move(client)};
  auto [ours, theirs] = ipc::make_channel();
  child.channel = ChildChannel{std::move(ours)};
  ends.to_listener = std::move(theirs);

  const ConnectionOpened opened{id, service_, peer};
  const auto connect = [&](auto& server, Fd& end) {
    auto [far, near] = ipc::make_channel();
    const int raw = far.get();
    end = std::move(near);
    return server.is_open() && server.send(opened, {&raw, 1}, kNoWait) == ipc::SendResult::sent;
  };
  const bool smtp = service_ == Service::mx || service_ == Service::submission;
  if (service_ != Service::mx && !connect(authd_, ends.to_authd)) return std::nullopt;
  if (smtp)
    return connect(policyd_, ends.to_policyd) && connect(queued_, ends.to_queued) ? std::optional{std::move(ends)}
                                                                                 : std::nullopt;
  if (!policyd_.is_open() || policyd_.send(opened, {}, kNoWait) != ipc::SendResult::sent) return std::nullopt;
  return ends;
}

void Listener::turn_away(std::size_t socket, int client, const IpAddress& peer, ConnectionTable::Refusal why) {
  const char* reason = why == ConnectionTable::Refusal::address_full ? "address" : "service";
  log::write("connection-refused", {{"service", service_name(service_)}, {"peer", peer.text()}, {"reason", reason}});
  if (sockets_[socket].config.tls == TlsMode::implicit) return;
  ::send(client, protocol_.too_many.data(), protocol_.too_many.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Forgets the connection; its process sees the end of its channel and ends, if it has not already.
void Listener::close_connection(Slot slot, std::string_view reason) {
  const ConnectionTable::Connection& connection = table_.at(slot);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now() - connection.opened).count();
  log::write("connection-closed", {{"session", log::Id{connection.id}}, {"service", service_name(service_)},
                                   {"peer", connection.peer.text()}, {"reason", reason}, {"seconds", seconds}});
  if (policyd_.is_open())
    policyd_.send(ConnectionClosed{connection.id}, {}, ipc::PacketSocket::Wait::no);
  children_[slot].channel.close();
  slot_of_.erase(children_[slot].pid);
  children_[slot].pid = -1;
  table_.close(slot);
}

void Listener::become_child(Slot slot, std::size_t socket, NewConnection ends) {
  const ConnectionTable::Connection connection = table_.at(slot);
  const ListenerConfig listener = sockets_[socket].config;
  // First of all: spool/mail, the listening sockets, the other connections' channels.
  close_all_but({ends.client.get(), ends.to_listener.get(), ends.to_authd.get(), ends.to_policyd.get(),
                 ends.to_queued.get()});
  if (!launch_.unprivileged) become_in_child(pool_uid(slot));
  before_login_filter_->install_single_threaded();
  BeforeLogin context{config_, listener, tls_ ? &*tls_ : nullptr, connection.id, connection.peer,
                      std::move(ends.client), std::move(ends.to_listener), std::move(ends.to_authd),
                      std::move(ends.to_policyd), std::move(ends.to_queued)};
  int status = 0;
  try {
    protocol_.before_login(context);
  } catch (const StreamError& error) {
    log::write("protocol-error", {{"session", log::Id{connection.id}}, {"reason", error.what()}});
  } catch (const std::exception& error) {
    log::write("fatal", {{"reason", error.what()}});
    status = kFatalExit;
  }
  ::_exit(status);
}

// ---- verdicts and sessions

void Listener::on_policyd() {
  auto received = policyd_.receive(ipc::PacketSocket::Wait::no);
  if (!received) {
    if (received.error() == ipc::ReceiveError::would_block) return;
    log::write("channel-closed", {{"channel", "policyd"}, {"peer", "policyd"},
                                  {"reason", received.error() == ipc::ReceiveError::malformed ? "malformed" : "closed"}});
    return policyd_.close();
  }
  if (auto* start = std::get_if<StartSession>(&received->message)) {
    if (table_.admit(start->connection, {start->account, start->name}, now()))
      policyd_.send(VerdictTaken{start->connection}, {}, ipc::PacketSocket::Wait::no);
    return;
  }
  for (auto& [pid, session] : sessions_) {
    if (session.account != std::get<EndSessions>(received->message).account) continue;
    log::write("session-revoked", {{"session", log::Id{session.connection}}, {"account", session.name}});
    session.stop.reset();
  }
}

void Listener::on_child(Slot slot) {
  auto received = children_[slot].channel.receive(ipc::PacketSocket::Wait::no, 2);
  if (!received) {
    if (received.error() == ipc::ReceiveError::would_block) return;
    if (received.error() == ipc::ReceiveError::malformed)
      log::write("peer-misbehaved", {{"session", log::Id{table_.at(slot).id}}, {"channel", "hand-over"},
                                     {"peer", "before login"}, {"reason", "malformed"}});
    return close_connection(slot, received.error() == ipc::ReceiveError::malformed ? "misbehaved" : "end");
  }
  if (std::holds_alternative<WantSigner>(received->message)) return open_signer(slot);
  hand_over(slot, std::get<HandOver>(received->message), std::move(received->descriptors));
}

void Listener::open_signer(Slot slot) {
  auto [far, near] = ipc::make_channel();
  const int to_keyd = far.get();
  const int to_child = near.get();
  constexpr auto kNoWait = ipc::PacketSocket::Wait::no;
  const bool open = keyd_.is_open() &&
                    keyd_.send(OpenSigner{table_.at(slot).id}, {&to_keyd, 1}, kNoWait) == ipc::SendResult::sent;
  if (open)
    children_[slot].channel.send(SignerOpened{}, {&to_child, 1}, kNoWait);
  else
    children_[slot].channel.send(Refused{}, {}, kNoWait);
}

void Listener::hand_over(Slot slot, const HandOver& message, std::vector<Fd> descriptors) {
  const ConnectionTable::Connection connection = table_.at(slot);
  const auto refuse = [&](const char* reason) {
    log::write("session-refused", {{"session", log::Id{connection.id}},
                                   {"account", connection.verdict ? connection.verdict->name : "-"},
                                   {"reason", reason}});
    children_[slot].channel.send(Refused{}, {}, ipc::PacketSocket::Wait::no);
    close_connection(slot, "refused");
  };
  const auto verdict = table_.use_verdict(slot, now());
  if (!verdict || !protocol_.after_login) return refuse("no verdict");
  if (descriptors.size() != (message.relayed ? 1U : 2U)) return refuse("descriptors");
  Fd start = std::move(descriptors[0]);
  if (!message.relayed) {
    const auto peer = peer_of(descriptors[1].get());
    if (!peer || *peer != connection.peer) return refuse("not this connection's socket");
    if (!start_session(slot, *verdict, std::move(start), std::move(descriptors[1]))) return refuse("no session");
    children_[slot].channel.send(SessionOpened{}, {}, ipc::PacketSocket::Wait::no);
    return;
  }
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) return refuse("no socket");
  const Fd relay_end{pair[0]};
  if (!start_session(slot, *verdict, std::move(start), Fd{pair[1]})) return refuse("no session");
  const int raw = relay_end.get();
  children_[slot].channel.send(SessionOpened{}, {&raw, 1}, ipc::PacketSocket::Wait::no);
}

Fd Listener::open_account_directory(AccountId account) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const std::string name = std::to_string(account);
  Fd directory{static_cast<int>(::syscall(SYS_openat2, spool_mail_.get(), name.c_str(), &how, sizeof how))};
  if (!directory) return directory;
  struct stat facts{};
  const uid_t owner = launch_.unprivileged ? ::getuid() : config_.uids.accounts + account;
  if (::fstat(directory.get(), &facts) != 0 || facts.st_uid != owner || (facts.st_mode & 07777) != 0700) return Fd{};
  return directory;
}

bool Listener::start_session(Slot slot, const ConnectionTable::Verdict& verdict, Fd start, Fd client) {
  if (verdict.account == 0 || verdict.account >= config_.uids.accounts_count) return false;
  const Fd directory = open_account_directory(verdict.account);
  if (!directory || !table_.open_session(verdict.account)) return false;
  auto [ours, theirs] = ipc::make_channel();
  Session session{table_.at(slot).id, verdict.account, table_.at(slot).peer, verdict.name, now(), std::move(ours)};
  const pid_t pid = ::fork();
  if (pid == 0)
    become_session(session, directory.get(), std::move(start), std::move(client), std::move(theirs));
  if (pid < 0) {
    table_.close_session(verdict.account);
    return false;
  }
  log::write("session-started", {{"session", log::Id{session.connection}}, {"account", session.name},
                                 {"uid", config_.uids.accounts + verdict.account}, {"child", pid}});
  sessions_.emplace(pid, std::move(session));
  return true;
}

void Listener::become_session(const Session& session, int directory, Fd start, Fd client, Fd stop) {
  AfterLogin context{config_, session.connection, session.peer, session.account, session.name, {}, std::move(client),
                     std::move(stop)};
  close_all_but({directory, start.get(), context.client.get(), context.to_listener.get()});
  if (launch_.unprivileged) {
    if (::fchdir(directory) != 0) fatal_errno("fchdir");
  } else {
    become_account_in(directory, config_.uids.accounts + session.account);
  }
  ::close(directory);
  session_filter_->install_single_threaded();
  int status = 0;
  try {
    context.start = read_session_start(std::move(start));
    protocol_.after_login(context);
  } catch (const StreamError& error) {
    log::write("protocol-error", {{"session", log::Id{session.connection}}, {"reason", error.what()}});
  } catch (const std::exception& error) {
    log::write("mailbox-failed", {{"session", log::Id{session.connection}}, {"account", session.name},
                                  {"reason", error.what()}});
    status = 1;
  }
  ::_exit(status);
}

// ---- the ends of processes

void Listener::reap() {
  signalfd_siginfo ignored;
  while (::read(signals_.get(), &ignored, sizeof ignored) > 0) {
  }
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG))
    on_child_ended(pid, status);
}

void Listener::on_child_ended(pid_t pid, int status) {
  IpAddress peer;
  ConnectionId connection = 0;
  if (const auto slot = slot_of_.find(pid); slot != slot_of_.end()) {
    peer = table_.at(slot->second).peer;
    connection = table_.at(slot->second).id;
    close_connection(slot->second, exit_words(status));
  } else if (const auto session = sessions_.find(pid); session != sessions_.end()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now() - session->second.started).count();
    peer = session->second.peer;
    connection = session->second.connection;
    log::write("session-ended", {{"session", log::Id{connection}}, {"account", session->second.name},
                                 {"reason", exit_words(status)}, {"seconds", seconds}});
    table_.close_session(session->second.account);
    sessions_.erase(session);
  }
  if (!ended_abnormally(status) || crashed_ || draining_) return;
  // All children share this process's address layout: whoever crashed one on purpose has learnt about the others.
  log::write("connection-crashed", {{"session", log::Id{connection}}, {"service", service_name(service_)},
                                    {"peer", peer.text()}, {"reason", exit_words(status)}});
  crashed_ = true;
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
