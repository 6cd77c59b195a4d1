// The listener's part that takes connections: ids, servers, fork, limits.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "daemons/listener/listener.h"
#include "daemons/log.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/jail.h"
#include "libcommon/sys/kept_descriptors.h"
#include "libcommon/sys/random.h"
#include "libcommon/sys/stream.h"

namespace mailroom {
namespace {

// Connections taken from one listening socket in a turn, so that the other descriptors are served too.
constexpr int kAcceptBurst = 32;
// Without descriptors or memory for a connection, new ones wait in the kernel's queue for so long: the socket
// stays readable, and trying at once again would take a whole core and fill the log.
constexpr std::chrono::seconds kAcceptPause{1};
// Ends of connections that policyd is told together, and how long the first of them waits for the others: to
// wake it for each would cost as much as its part of a message.
constexpr std::size_t kEndsTold = 32;
constexpr std::chrono::milliseconds kEndsWait{20};

}  // namespace

ConnectionId Listener::new_id() {
  if (random_left_ == 0) {
    fill_random(random_.data(), sizeof random_);
    random_left_ = random_.size();
  }
  const ConnectionId id = random_[--random_left_];
  return id == 0 ? new_id() : id;
}

void Listener::accept_some(std::size_t socket) {
  for (int i = 0; i < kAcceptBurst && sockets_[socket].fd && !accept_again_ && !crashed_; ++i) {
    Fd client{::accept4(sockets_[socket].fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (client) {
      open_connection(socket, std::move(client));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return pause_accepting(sockets_[socket].config.address, std::strerror(errno));
    }
  }
}

void Listener::watch_sockets(int operation) {
  for (std::uint32_t i = 0; i < sockets_.size(); ++i) {
    epoll_event event{EPOLLIN, {.u64 = static_cast<std::uint64_t>(Tag::socket) << 32 | i}};
    if (sockets_[i].fd && ::epoll_ctl(epoll_.get(), operation, sockets_[i].fd.get(), &event) != 0 &&
        errno != ENOENT)
      fatal_errno("epoll_ctl");
  }
}

void Listener::pause_accepting(const IpAddress& address, std::string_view reason) {
  log::write("accept-failed", {{"address", address.text()}, {"reason", reason}});
  watch_sockets(EPOLL_CTL_DEL);
  accept_again_ = now() + kAcceptPause;
}

// For good: who comes from here on is its successor's.
void Listener::stop_accepting() {
  accept_again_.reset();
  watch_sockets(EPOLL_CTL_DEL);
}

void Listener::resume_accepting() {
  accept_again_.reset();
  watch_sockets(EPOLL_CTL_ADD);
}

// Does what its time has come for.  How long the loop may sleep, for epoll_wait.
int Listener::on_time() {
  const Time time = now();
  if (accept_again_ && *accept_again_ <= time) resume_accepting();
  if (tell_ends_ && *tell_ends_ <= time) report_closed();
  if (!accept_again_ && !tell_ends_) return -1;
  const Time next = std::min(accept_again_.value_or(Time::max()), tell_ends_.value_or(Time::max()));
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(next - time).count());
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
      cut_off(*oldest, "evicted");
      slot = table_.open(id, *peer, now());
    }
  }
  if (!slot) return turn_away(socket, client.get(), *peer, slot.error());

  if (*slot >= children_.size()) children_.resize(*slot + 1);
  Child& child = children_[*slot];
  child = Child{.channel = {}, .socket = socket, .connection = id, .peer = *peer};
  std::optional<NewConnection> ends;
  try {
    ends = connect_servers(id, *peer, std::move(client), child);
  } catch (const std::system_error& error) {
    pause_accepting(*peer, error.what());
  }
  if (!ends) return abandon_connection(*slot, "no server");
  const pid_t pid = ::fork();
  if (pid == 0) become_child(*slot, socket, std::move(*ends));
  if (pid < 0) {
    pause_accepting(*peer, std::strerror(errno));
    return abandon_connection(*slot, "fork failed");
  }
  slot_of_.emplace(pid, *slot);
  watch(child.channel.fd(), Tag::child, *slot);
  log::write("connection-opened", {{"session", log::Id{id}},
                                   {"service", service_name(service_)},
                                   {"peer", peer->text()},
                                   {"child", pid}});
}

// Tells the servers of the new connection.  Nothing when one of them cannot be told now: the client sees its
// connection closed and comes again.
std::optional<Listener::NewConnection> Listener::connect_servers(ConnectionId id, const IpAddress& peer,
                                                                 Fd client, Child& child) {
  if (unreported_.size() >= kEndsTold && !report_closed()) return std::nullopt;
  NewConnection ends{.client = std::move(client)};
  auto [ours, theirs] = ipc::make_channel();
  child.channel = ChildChannel{std::move(ours)};
  ends.to_listener = std::move(theirs);

  const ConnectionOpened opened{id, service_, peer};
  const auto connect = [&](auto& server, Fd& end) {
    auto [far, near] = ipc::make_channel();
    const int raw = far.get();
    end = std::move(near);
    return tell(server, opened, {&raw, 1});
  };
  if (takes_logins(service_) && !connect(authd_, ends.to_authd)) return std::nullopt;
  if (is_smtp(service_))
    return connect(policyd_, ends.to_policyd) && connect(queued_, ends.to_queued)
               ? std::optional{std::move(ends)}
               : std::nullopt;
  if (!tell(policyd_, opened)) return std::nullopt;
  return ends;
}

void Listener::turn_away(std::size_t socket, int client, const IpAddress& peer,
                         ConnectionTable::Refusal why) {
  const char* reason = why == ConnectionTable::Refusal::address_full ? "address" : "service";
  log::write("connection-refused",
             {{"service", service_name(service_)}, {"peer", peer.text()}, {"reason", reason}});
  if (sockets_[socket].config.tls == TlsMode::implicit) return;
  ::send(client, protocol_.too_many.data(), protocol_.too_many.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

// policyd keeps a connection until it hears of its end, so what it cannot be told now is told later. Bounded:
// no new connection is opened before.  False when some are left.
bool Listener::report_closed() {
  tell_ends_.reset();
  for (; !unreported_.empty(); unreported_.pop_front())
    if (policyd_.is_open() && policyd_.send(ConnectionClosed{unreported_.front()}, {},
                                            ipc::PacketSocket::Wait::no) == ipc::SendResult::would_block) {
      tell_ends_ = now() + kEndsWait;
      return false;
    }
  return true;
}

// The same for a connection that never had a process.
void Listener::abandon_connection(Slot slot, std::string_view reason) {
  close_connection(slot, reason);
  table_.release(slot);
}

// Forgets the connection; its process sees the end of its channel and ends, if it has not already.  Its slot,
// and so its uid, is nobody else's before that: it may be a process that does not want to end.
void Listener::close_connection(Slot slot, std::string_view reason) {
  const ConnectionTable::Connection& connection = table_.at(slot);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now() - connection.opened).count();
  log::write("connection-closed", {{"session", log::Id{connection.id}},
                                   {"service", service_name(service_)},
                                   {"peer", connection.peer.text()},
                                   {"reason", reason},
                                   {"seconds", seconds}});
  unreported_.push_back(connection.id);
  if (unreported_.size() >= kEndsTold)
    report_closed();
  else if (!tell_ends_)
    tell_ends_ = now() + kEndsWait;
  end_channel(slot);
  table_.close(slot);
}

void Listener::close_connections_of(const IpAddress& host, std::string_view reason) {
  for (Slot slot = 0; slot < children_.size(); ++slot)
    if (table_.is_open(slot) && children_[slot].peer.host_for_limits() == host.host_for_limits())
      cut_off(slot, reason);
}

// A child that waits for authd's answer sees the end of that channel first.
void Listener::cut_off(Slot slot, std::string_view reason) {
  if (authd_.is_open())
    static_cast<void>(authd_.send(ConnectionClosed{table_.at(slot).id}, {}, ipc::PacketSocket::Wait::no));
  close_connection(slot, reason);
}

// A child that is being forked has the listener's end open too until it closes it: closing alone would not
// end the watch.
void Listener::end_channel(Slot slot) {
  ChildChannel& channel = children_[slot].channel;
  if (!channel.is_open()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, channel.fd(), nullptr);
  channel.close();
}

void Listener::become_child(Slot slot, std::size_t socket, NewConnection ends) {
  const ConnectionTable::Connection connection = table_.at(slot);
  const ListenerConfig listener = sockets_[socket].config;
  // First of all: spool/mail, the listening sockets, the other connections' channels.
  close_all_but({ends.client.get(), ends.to_listener.get(), ends.to_authd.get(), ends.to_policyd.get(),
                 ends.to_queued.get()});
  if (!launch_.unprivileged) become_in_child(uids_.uid(slot));
  forbid_forks();
  if (before_login_filter_) before_login_filter_->install_single_threaded();
  BeforeLogin context{config_,
                      listener,
                      sockets_[socket].tls,
                      connection.id,
                      connection.peer,
                      std::move(ends.client),
                      std::move(ends.to_listener),
                      std::move(ends.to_authd),
                      std::move(ends.to_policyd),
                      std::move(ends.to_queued)};
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

}  // namespace mailroom
