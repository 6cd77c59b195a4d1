#include "spool/mailbox/account.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "libcommon/sys/time_limit.h"
#include "spool/mailbox/folder_name.h"
#include "spool/mailbox/rebuild.h"

namespace mailroom::mailbox {
namespace {

constexpr const char* kCondemned = "condemned";
constexpr std::chrono::seconds kOpenAtMost{15};  // LMDB reads two pages and takes a lock

bool try_lock(const Mailbox::State& state, AccountLock lock) {
  const int how = lock == AccountLock::shared ? LOCK_SH : LOCK_EX;
  if (flock(state.root.get(), how | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) throw SystemError(errno, "flock");
  return false;
}

// LMDB opens by path and would follow links: what is there must be an own regular file, or nothing.
void check_index_file(const Mailbox::State& state, const char* name) {
  struct stat status {};
  if (fstatat(state.index_dir.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;
    throw SystemError(errno, name);
  }
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_nlink != 1)
    refuse(Failure::Code::corrupt_index, std::string(name) + " is not a file of this account alone");
}

}  // namespace

std::unique_ptr<Mailbox::State> open_account(Options options, AccountLock lock) {
  auto state = std::make_unique<Mailbox::State>();
  state->options = std::move(options);
  state->root = open_root(state->options.path);
  if (!try_lock(*state, lock)) refuse(Failure::Code::in_use, state->options.path);
  const int root = state->root.get();
  Made made = Made::no;
  state->new_dir = open_directory(root, "new", made);
  state->cur_dir = open_directory(root, "cur", made);
  state->tmp_dir = open_directory(root, "tmp", made);
  state->index_dir = open_directory(root, "index", made);
  if (made == Made::yes) sync_directory(root);
  state->changes = open_writable(state->index_dir.get(), "changes");
  return state;
}

namespace {

// False when not all databases are there.
bool open_existing(Mailbox::State& state) {
  auto txn = state.env.read();
  try {
    state.db = open_databases(txn, lmdb::Txn::Create::no);
  } catch (const lmdb::Error&) {
    return false;
  }
  txn.commit();  // the handles outlive the transaction
  return true;
}

// The account's own uid can exchange the files after they were looked at for pipes, or lock them for ever.
lmdb::Env open_in_time(Mailbox::State& state) {
  const TimeLimit limit{kOpenAtMost};
  return lmdb::Env::open({.path = state.options.path + "/index",
                          .map_size = state.options.map_size,
                          .max_databases = kDatabases,
                          .on_broken = [&state](const char* what) {
                            condemn_index(state);
                            if (state.options.on_broken_index) state.options.on_broken_index(what);
                          }});
}

}  // namespace

void open_environment(Mailbox::State& state) {
  check_index_file(state, "data.mdb");
  check_index_file(state, "lock.mdb");
  state.env = open_in_time(state);
  if (open_existing(state)) return;
  auto txn = state.env.write();
  state.db = open_databases(txn, lmdb::Txn::Create::yes);
  txn.commit();
  sync_directory(state.index_dir.get());  // LMDB syncs its file, not the name it has just given it
}

// Without a sync: an index that is broken is found again.
void condemn_index(const Mailbox::State& state) noexcept {
  const Fd mark{
      ::openat(state.index_dir.get(), kCondemned, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
}

void set_index_aside(Mailbox::State& state) {
  const int index = state.index_dir.get();
  if (renameat(index, "data.mdb", index, "data.mdb.broken") != 0 && errno != ENOENT)
    throw SystemError(errno, "data.mdb");
  remove_file(index, "lock.mdb");
  remove_file(index, kCondemned);
  sync_directory(index);
}

namespace {

std::optional<MetaRow> read_meta(Mailbox::State& state) {
  auto txn = state.env.read();
  return state.index(txn).meta();
}

// False when other processes have the mailbox open.  To ask for it gives up the lock that there was.
bool set_aside_and_open(Mailbox::State& state) {
  const bool alone = try_lock(state, AccountLock::exclusive);
  if (alone) {
    set_index_aside(state);
    open_environment(state);
  }
  if (!try_lock(state, AccountLock::shared)) refuse(Failure::Code::in_use, state.options.path);
  return alone;
}

bool is_condemned(const Mailbox::State& state) {
  struct stat status {};
  return fstatat(state.index_dir.get(), kCondemned, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

void open_or_set_aside(Mailbox::State& state) {
  if (is_condemned(state) && set_aside_and_open(state)) return;
  try {
    open_environment(state);
    static_cast<void>(read_meta(state));
  } catch (const lmdb::Error& error) {
    if (error.kind != lmdb::Error::Kind::corrupt || !set_aside_and_open(state)) throw;
  } catch (const CorruptRow&) {
    if (!set_aside_and_open(state)) throw;
  }
}

}  // namespace

void open_index(Mailbox::State& state) {
  open_or_set_aside(state);
  if (!read_meta(state)) {
    Rebuilt rebuilt;
    fill_index(state, rebuilt);
    if (rebuilt.from_snapshot + rebuilt.adopted + rebuilt.missing > 0) state.rebuilt = rebuilt;
  }
  const auto meta = read_meta(state);
  if (!meta || meta->version != kIndexVersion)
    refuse(Failure::Code::corrupt_index, "index of another version");
}

std::string require_canonical(std::string_view name) {
  auto canonical = canonical_folder_name(name);
  if (!canonical) refuse(Failure::Code::bad_name, std::string{name.substr(0, kMaxFolderName)});
  return std::move(*canonical);
}

FolderId require_name(const Index& index, std::string_view name) {
  const std::string canonical = require_canonical(name);
  const auto id = index.named(canonical);
  if (!id) refuse(Failure::Code::no_such_folder, canonical);
  return *id;
}

}  // namespace mailroom::mailbox
