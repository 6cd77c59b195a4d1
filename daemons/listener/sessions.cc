// The listener's part that takes verdicts from policyd and starts sessions by them.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <system_error>

#include "daemons/listener/listener.h"
#include "daemons/listener/session_start.h"
#include "daemons/log.h"
#include "libcommon/sys/fatal.h"
#include "libcommon/sys/kept_descriptors.h"
#include "libcommon/sys/stream.h"

namespace mailroom {

void Listener::on_policyd() {
  auto received = policyd_.receive(ipc::PacketSocket::Wait::no);
  if (!received) {
    if (received.error() == ipc::ReceiveError::would_block) return;
    if (received.error() == ipc::ReceiveError::malformed)
      log::write("channel-closed", {{"channel", "policyd"}, {"peer", "policyd"}, {"reason", "malformed"}});
    return policyd_.close();
  }
  if (auto* start = std::get_if<StartSession>(&received->message)) {
    if (table_.admit(start->connection, {start->account, start->name}, now()))
      policyd_.send(VerdictTaken{start->connection}, {}, ipc::PacketSocket::Wait::no);
    return;
  }
  const AccountId account = std::get<EndSessions>(received->message).account;
  table_.revoke(account);  // nor does a session start by what was proved before
  for (auto& [pid, session] : sessions_) {
    if (session.account != account) continue;
    log::write("session-revoked", {{"session", log::Id{session.connection}}, {"account", session.name}});
    session.stop.reset();
  }
}

// Without descriptors for its wish, that connection alone ends.
void Listener::on_child_or_close(Slot slot) {
  try {
    on_child(slot);
  } catch (const std::system_error& error) {
    log::write("session-refused",
               {{"session", log::Id{table_.at(slot).id}}, {"account", "-"}, {"reason", error.what()}});
    close_connection(slot, "refused");
  }
}

void Listener::on_child(Slot slot) {
  auto received = children_[slot].channel.receive(ipc::PacketSocket::Wait::no, 2);
  if (!received) {
    if (received.error() == ipc::ReceiveError::would_block) return;
    if (received.error() == ipc::ReceiveError::malformed)
      log::write("peer-misbehaved", {{"session", log::Id{table_.at(slot).id}},
                                     {"channel", "hand-over"},
                                     {"peer", "before login"},
                                     {"reason", "malformed"}});
    return close_connection(slot, received.error() == ipc::ReceiveError::malformed ? "misbehaved" : "end");
  }
  if (std::holds_alternative<WantSigner>(received->message)) return open_signer(slot);
  hand_over(slot, std::get<HandOver>(received->message), std::move(received->descriptors));
}

// One for each connection: keyd counts by it how much is signed for one.
void Listener::open_signer(Slot slot) {
  Child& child = children_[slot];
  if (child.has_signer) {
    log::write("peer-misbehaved", {{"session", log::Id{table_.at(slot).id}},
                                   {"channel", "hand-over"},
                                   {"peer", "before login"},
                                   {"reason", "wants a second signer"}});
    return close_connection(slot, "misbehaved");
  }
  auto [far, near] = ipc::make_channel();
  const int to_keyd = far.get();
  const int to_child = near.get();
  constexpr auto kNoWait = ipc::PacketSocket::Wait::no;
  child.has_signer = tell(keyd_, OpenSigner{table_.at(slot).id}, {&to_keyd, 1});
  if (child.has_signer)
    child.channel.send(SignerOpened{}, {&to_child, 1}, kNoWait);
  else
    child.channel.send(Refused{}, {}, kNoWait);
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
    if (!start_session(slot, *verdict, std::move(start), std::move(descriptors[1])))
      return refuse("no session");
    children_[slot].channel.send(SessionOpened{}, {}, ipc::PacketSocket::Wait::no);
    return;
  }
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return refuse("no socket");
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
  struct stat facts {};
  const uid_t owner = launch_.unprivileged ? ::getuid() : config_.uids.accounts + account;
  if (::fstat(directory.get(), &facts) != 0 || facts.st_uid != owner || (facts.st_mode & 07777) != 0700)
    return Fd{};
  return directory;
}

bool Listener::start_session(Slot slot, const ConnectionTable::Verdict& verdict, Fd start, Fd client) {
  if (verdict.account == 0 || verdict.account >= config_.uids.accounts_count) return false;
  const Fd directory = open_account_directory(verdict.account);
  auto [ours, theirs] = ipc::make_channel();
  if (!directory || !table_.open_session(verdict.account)) return false;
  Session session{table_.at(slot).id, verdict.account, table_.at(slot).peer,
                  verdict.name,       now(),           std::move(ours)};
  const pid_t pid = ::fork();
  if (pid == 0)
    become_session(session, directory.get(), std::move(start), std::move(client), std::move(theirs));
  if (pid < 0) {
    table_.close_session(verdict.account);
    return false;
  }
  log::write("session-started", {{"session", log::Id{session.connection}},
                                 {"account", session.name},
                                 {"uid", config_.uids.accounts + verdict.account},
                                 {"child", pid}});
  sessions_.emplace(pid, std::move(session));
  return true;
}

void Listener::become_session(const Session& session, int directory, Fd start, Fd client, Fd stop) {
  AfterLogin context{config_, session.connection, session.peer,   session.account, session.name,
                     {},      std::move(client),  std::move(stop)};
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
    log::write(
        "mailbox-failed",
        {{"session", log::Id{session.connection}}, {"account", session.name}, {"reason", error.what()}});
    status = 1;
  }
  ::_exit(status);
}

}  // namespace mailroom
