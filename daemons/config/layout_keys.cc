// Where the instance is on this machine: directories, and the numbers of its uids.
#include "daemons/config/names.h"
#include "daemons/config/tables.h"

namespace mailroom::config {

namespace {

constexpr std::uint32_t kMinUid = 100;            // below are Debian's statically allocated system users
constexpr std::uint32_t kMaxUid = 2'000'000'000;  // well below (uid_t)-1 and what kernels treat as negative

using D = DirectoryConfig;
constexpr Key<D> kDirectoryKeys[] = {
    {"spool-dir", Text<D>{&D::spool, "DIRECTORY", parse_path}, Reload::restart,
     "Holds queue, the messages in transit, and mail, the mailboxes. Both must be on a file system with "
     "reliable syncs."},
    {"state-dir", Text<D>{&D::state, "DIRECTORY", parse_path}, Reload::restart,
     "Holds the directory of accounts and their password hashes."},
    {"run-dir", Text<D>{&D::run, "DIRECTORY", parse_path}, Reload::restart,
     "Holds the control sockets of the tools and the empty root directory of the processes that need no "
     "file."},
    {"libexec-dir", Text<D>{&D::libexec, "DIRECTORY", parse_path}, Reload::restart,
     "Holds the programs that mailroomd starts."},
};

using U = UidConfig;
constexpr Key<U> kUidKeys[] = {
    {"uid-base.daemons", Number<U>{&U::daemons, kMinUid, kMaxUid}, Reload::restart,
     "The first of 64 uids and gids of the servers. No entry in passwd is needed for any uid here, and "
     "nothing else on "
     "the machine may use them."},
    {"uid-base.login", Number<U>{&U::login, kMinUid, kMaxUid}, Reload::restart,
     "The first uid of the pool for processes that talk to clients before login, and to other hosts."},
    {"uid-count.login", Number<U>{&U::login_count, 28, 1'000'000}, Reload::restart,
     "The number of uids in that pool. Each of the six services, and relayd, has a fourteenth of it before "
     "and "
     "a fourteenth after a reload, and keeps an eighth of its part for processes that are ending: with 16000 "
     "it takes 1000 "
     "connections, whatever max-connections says."},
    {"uid-base.accounts", Number<U>{&U::accounts, kMinUid, kMaxUid}, Reload::restart,
     "The uid of an account is this plus the account's number, which starts at 1 and is never used twice. "
     "It must not change while there are mailboxes."},
    {"uid-count.accounts", Number<U>{&U::accounts_count, 1, 100'000'000}, Reload::restart,
     "The number of uids for accounts, removed ones included."},
};

using C = ConnectionLimits;
constexpr Key<C> kConnectionKeys[] = {
    {"max-connections", Number<C>{&C::total, 1, 100'000}, Reload::new_connections,
     "Connections of this service before login (SMTP: until they end). When there are as many, the one that "
     "has been "
     "there longest without login makes room."},
    {"max-connections-per-address", Number<C>{&C::per_address, 1, 100'000}, Reload::new_connections,
     "The same from one client address; IPv6 addresses count by their /64."},
    {"max-sessions", Number<C>{&C::sessions, 1, 100'000}, Reload::new_connections,
     "Sessions after login, of all accounts together."},
    {"max-sessions-per-account", Number<C>{&C::per_account, 1, 10'000}, Reload::new_connections,
     "Sessions of one account at the same time."},
};

}  // namespace

std::span<const Key<DirectoryConfig>> directory_keys() { return kDirectoryKeys; }
std::span<const Key<UidConfig>> uid_keys() { return kUidKeys; }
std::span<const Key<ConnectionLimits>> connection_keys() { return kConnectionKeys; }

}  // namespace mailroom::config
