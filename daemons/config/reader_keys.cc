// pop3d, imapd and the mailboxes that they read.
#include "daemons/config/tables.h"

namespace mailroom::config {

namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kGiB = 1024 * kMiB;

using P = Pop3dConfig;
constexpr Key<P> kPop3dKeys[] = {
    {"login-timeout", Time<P>{&P::login_timeout, 5s, 1h}, Reload::new_connections,
     "From the connection to the login, as a whole."},
    {"idle-timeout", Time<P>{&P::idle_timeout, 10min, 24h}, Reload::new_connections,
     "How long a session waits for the next command (RFC 1939 3 asks for at least ten minutes); nothing is "
     "deleted then."},
    {"max-errors", Number<P>{&P::max_errors, 1, 10'000}, Reload::new_connections,
     "Commands with an error; then the connection ends."},
};

using I = ImapdConfig;
constexpr Key<I> kImapdKeys[] = {
    {"login-timeout", Time<I>{&I::login_timeout, 5s, 1h}, Reload::new_connections,
     "From the connection to the login, as a whole."},
    {"idle-timeout", Time<I>{&I::idle_timeout, 30min, 24h * 7}, Reload::new_connections,
     "How long a session waits for the next command, or for the end of IDLE (RFC 3501 5.4 asks for at least "
     "30 minutes)."},
    {"append-limit", Size<I>{&I::append_limit, 64 * 1024, 2 * kGiB}, Reload::new_connections,
     "The largest message that APPEND takes."},
    {"max-command-size", Size<I>{&I::max_command_size, 8 * 1024, 16 * kMiB}, Reload::new_connections,
     "The longest command with its literals, the message of APPEND not counted."},
    {"max-errors", Number<I>{&I::max_errors, 1, 10'000}, Reload::new_connections,
     "Commands answered BAD; then the connection ends."},
    {"poll-interval", Time<I>{&I::poll_interval, 1s, 10min}, Reload::new_connections,
     "How often a session looks for new mail when the kernel gives it no more watches."},
};

using M = MailboxConfig;
constexpr Key<M> kMailboxKeys[] = {
    {"index-map-size", Size<M>{&M::index_map_size, 64 * kMiB, 1024 * kGiB}, Reload::new_connections,
     "How large the index of one mailbox may grow; the file is sparse. When it is full, changes are answered "
     "NO."},
    {"snapshot-interval", Time<M>{&M::snapshot_interval, 1min, 24h * 30}, Reload::new_connections,
     "A session that ends writes a snapshot of the index when the last is older than this."},
};

}  // namespace

std::span<const Key<Pop3dConfig>> pop3d_keys() { return kPop3dKeys; }
std::span<const Key<ImapdConfig>> imapd_keys() { return kImapdKeys; }
std::span<const Key<MailboxConfig>> mailbox_keys() { return kMailboxKeys; }

}  // namespace mailroom::config
