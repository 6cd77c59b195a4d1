// Who runs as whom, where, with which rights, and who talks to whom.  The supervisor, ARCHITECTURE.md,
// `mailroomd --table` and the breach tests read these two tables; nothing else decides about privilege.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace mailroom {

enum class Role : std::uint8_t {
  mailroomd,
  logd,
  keyd,
  policyd,
  authd,
  deliverd,
  queued,
  smtpd_mx,
  smtpd_submission,
  pop3d,
  imapd,
  smtpd_outgoing,
  smtpd_relay,
  dnsd,
  stsd,
  relayd,
  kpopd,
  krbd,
  kdcd,
  supervisor,
  certd,
  kLast = certd,
};

// Where a process's root directory is after start.
enum class Root : std::uint8_t {
  host,      // mailroomd and the supervisor alone
  empty,     // run-dir/empty: root's, nothing in it
  state,     // state-dir/policyd
  auth,      // state-dir/authd
  queue,     // spool-dir/queue
  kerberos,  // state-dir/krbd: libkrb5's configuration and replay cache
  kdc,       // state-dir/kdcd: libkrb5's configuration
  mail,      // spool-dir/mail: 0711, account directories below it
  relay,     // run-dir/relay: where operators put the sockets of LMTP servers
};

enum class Identity : std::uint8_t {
  root,        // mailroomd, which starts all others
  supervisor,  // root with DAC_READ_SEARCH and NET_BIND_SERVICE, nothing else
  listener,    // root with SETUID, SETGID and SYS_CHROOT, nothing else
  own,         // uid-base daemons + number of the role; no capabilities
  deliver,     // own, with SETUID and SETGID, used for setfsuid within the account range
};

// Named sets of system calls (libcommon/sys/syscall_filter.h).  The children of a `listener` have its filter;
// those of a `session_listener`, which may do more, put up a tighter one each.
enum class Calls : std::uint8_t {
  spawner,  // all: a filter would be inherited by what it starts
  supervisor,
  server,
  storage,
  queue,
  listener,
  session_listener,
  deliver,
  resolver,
  relay,
  kdc
};

struct ProcessRow {
  Role role;
  std::string_view name;
  std::string_view program;  // file in libexec-dir
  Identity identity;
  Root root;
  Calls calls;
  // RLIMIT_NOFILE.  It also bounds how many descriptors of all processes of its uid may be under way in
  // sockets: beyond it this one can send none.  So the supervisor's is above that of the listeners, which are
  // root's too.
  unsigned open_files;
  unsigned processes;  // RLIMIT_NPROC beyond which a fork fails; 0: may not fork
  std::string_view holds;
};

inline constexpr std::array<ProcessRow, static_cast<std::size_t>(Role::kLast) + 1> kProcesses{{
    {Role::mailroomd, "mailroomd", "mailroomd", Identity::root, Root::host, Calls::spawner, 1024, 64, "-"},
    {Role::logd, "logd", "logd", Identity::own, Root::empty, Calls::server, 256, 0, "log pipes"},
    {Role::keyd, "keyd", "keyd", Identity::own, Root::empty, Calls::server, 16384, 0, "TLS private keys"},
    {Role::policyd, "policyd", "policyd", Identity::own, Root::state, Calls::storage, 16384, 0,
     "directory of accounts"},
    {Role::authd, "authd", "authd", Identity::own, Root::auth, Calls::storage, 16384, 0, "password hashes"},
    {Role::deliverd, "deliverd", "deliverd", Identity::deliver, Root::mail, Calls::deliver, 16384, 0, "-"},
    {Role::queued, "queued", "queued", Identity::own, Root::queue, Calls::queue, 16384, 0,
     "messages in transit"},
    {Role::smtpd_mx, "smtpd-mx", "smtpd", Identity::listener, Root::empty, Calls::listener, 16384, 4096, "-"},
    {Role::smtpd_submission, "smtpd-submission", "smtpd", Identity::listener, Root::empty, Calls::listener,
     16384, 4096, "-"},
    {Role::pop3d, "pop3d", "pop3d", Identity::listener, Root::empty, Calls::session_listener, 16384, 4096,
     "-"},
    {Role::imapd, "imapd", "imapd", Identity::listener, Root::empty, Calls::session_listener, 16384, 4096,
     "-"},
    {Role::smtpd_outgoing, "smtpd-outgoing", "smtpd", Identity::listener, Root::empty, Calls::listener, 16384,
     4096, "-"},
    {Role::smtpd_relay, "smtpd-relay", "smtpd", Identity::listener, Root::empty, Calls::listener, 16384, 4096,
     "-"},
    {Role::dnsd, "dnsd", "dnsd", Identity::own, Root::empty, Calls::resolver, 4096, 0, "what the DNS says"},
    {Role::stsd, "stsd", "stsd", Identity::own, Root::empty, Calls::resolver, 256, 0, "-"},
    {Role::relayd, "relayd", "relayd", Identity::listener, Root::relay, Calls::relay, 16384, 4096, "-"},
    {Role::kpopd, "kpopd", "pop3d", Identity::listener, Root::empty, Calls::session_listener, 16384, 4096,
     "-"},
    {Role::krbd, "krbd", "krbd", Identity::own, Root::kerberos, Calls::storage, 256, 0, "the keytab"},
    {Role::kdcd, "kdcd", "kdcd", Identity::own, Root::kdc, Calls::kdc, 1024, 0, "-"},
    {Role::supervisor, "supervisor", "supervisor", Identity::supervisor, Root::host, Calls::supervisor, 32768,
     0, "listening sockets"},
    {Role::certd, "certd", "certd", Identity::own, Root::empty, Calls::server, 256, 0, "-"},
}};

constexpr const ProcessRow& process_row(Role role) { return kProcesses[static_cast<std::size_t>(role)]; }
constexpr bool starts_others(Role role) { return role == Role::mailroomd || role == Role::supervisor; }
constexpr bool is_listener(Role role) { return process_row(role).identity == Identity::listener; }

// A channel: `asker` sends first, `server` answers.  Each line is one socket pair for each pair of running
// processes.
struct ChannelRow {
  std::string_view name;
  Role asker;
  Role server;
};

inline constexpr std::array kChannels{
    ChannelRow{"submission-authd", Role::smtpd_submission, Role::authd},
    ChannelRow{"outgoing-authd", Role::smtpd_outgoing, Role::authd},
    ChannelRow{"relay-authd", Role::smtpd_relay, Role::authd},
    ChannelRow{"pop3d-authd", Role::pop3d, Role::authd},
    ChannelRow{"kpop-authd", Role::kpopd, Role::authd},
    ChannelRow{"imapd-authd", Role::imapd, Role::authd},
    ChannelRow{"mx-policyd", Role::smtpd_mx, Role::policyd},
    ChannelRow{"submission-policyd", Role::smtpd_submission, Role::policyd},
    ChannelRow{"outgoing-policyd", Role::smtpd_outgoing, Role::policyd},
    ChannelRow{"relay-policyd", Role::smtpd_relay, Role::policyd},
    ChannelRow{"pop3d-policyd", Role::pop3d, Role::policyd},
    ChannelRow{"kpop-policyd", Role::kpopd, Role::policyd},
    ChannelRow{"imapd-policyd", Role::imapd, Role::policyd},
    ChannelRow{"mx-queued", Role::smtpd_mx, Role::queued},
    ChannelRow{"submission-queued", Role::smtpd_submission, Role::queued},
    ChannelRow{"outgoing-queued", Role::smtpd_outgoing, Role::queued},
    ChannelRow{"relay-queued", Role::smtpd_relay, Role::queued},
    ChannelRow{"mx-keyd", Role::smtpd_mx, Role::keyd},
    ChannelRow{"submission-keyd", Role::smtpd_submission, Role::keyd},
    ChannelRow{"outgoing-keyd", Role::smtpd_outgoing, Role::keyd},
    ChannelRow{"relay-keyd", Role::smtpd_relay, Role::keyd},
    ChannelRow{"pop3d-keyd", Role::pop3d, Role::keyd},
    ChannelRow{"kpop-keyd", Role::kpopd, Role::keyd},
    ChannelRow{"imapd-keyd", Role::imapd, Role::keyd},
    ChannelRow{"authd-policyd", Role::authd, Role::policyd},
    ChannelRow{"authd-keyd", Role::authd, Role::keyd},
    ChannelRow{"authd-certd", Role::authd, Role::certd},
    ChannelRow{"authd-krbd", Role::authd, Role::krbd},
    ChannelRow{"authd-kdcd", Role::authd, Role::kdcd},
    ChannelRow{"policyd-queued", Role::policyd, Role::queued},
    ChannelRow{"queued-deliverd", Role::queued, Role::deliverd},
    ChannelRow{"queued-dnsd", Role::queued, Role::dnsd},
    ChannelRow{"policyd-dnsd", Role::policyd, Role::dnsd},
    ChannelRow{"policyd-stsd", Role::policyd, Role::stsd},
    ChannelRow{"queued-policyd", Role::queued, Role::policyd},
    ChannelRow{"queued-relayd", Role::queued, Role::relayd},
    ChannelRow{"relayd-authd", Role::relayd, Role::authd},
};

constexpr const ChannelRow* channel_row(std::string_view name) {
  const auto* found = std::ranges::find(kChannels, name, &ChannelRow::name);
  return found == kChannels.end() ? nullptr : found;
}

// The number that a daemon's uid has beyond the base of daemon uids: one for each program with a uid of its
// own.
constexpr unsigned uid_number(Role role) { return static_cast<unsigned>(role); }

static_assert([] {  // rows stand at their role's number, and no two daemons share a uid
  for (std::size_t i = 0; i < kProcesses.size(); ++i)
    if (static_cast<std::size_t>(kProcesses[i].role) != i) return false;
  return true;
}());

}  // namespace mailroom
