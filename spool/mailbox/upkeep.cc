// What a session does when nobody waits: the snapshot, and what crashes left behind.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "spool/mailbox/snapshot.h"
#include "spool/mailbox/state.h"

namespace mailroom::mailbox {
namespace {

constexpr std::size_t kFlushSnapshot = 1 << 20;

bool is_temporary_snapshot(std::string_view name) { return name.starts_with(".snapshot"); }

// A snapshot that is being written; removed again unless it was put in place.
class SnapshotFile {
 public:
  explicit SnapshotFile(int directory)
      : directory_{directory}, name_{".snapshot" + random_append_id()}, fd_{create_file(directory,
                                                                                        name_.c_str())} {}
  ~SnapshotFile() {
    if (!name_.empty()) unlinkat(directory_, name_.c_str(), 0);
  }

  void add(const SnapshotRecord& record) {
    writer_.add(record);
    if (writer_.pending() >= kFlushSnapshot) write_all(fd_.get(), writer_.take());
  }

  void put_in_place() {
    writer_.finish();
    write_all(fd_.get(), writer_.take());
    sync_data(fd_.get());
    if (renameat(directory_, name_.c_str(), directory_, "snapshot") != 0)
      throw SystemError(errno, "snapshot");
    name_.clear();
    sync_directory(directory_);
  }

 private:
  int directory_;
  std::string name_;
  Fd fd_;
  SnapshotWriter writer_;
};

void add_messages(SnapshotFile& snapshot, const Index& index, FolderId id, const FolderRow& folder) {
  for_prefix(index, index.db().messages, Key{id}, [&](std::string_view key, std::string_view value) {
    const auto row = ipc::decode<MessageRow>(value);
    const auto file = row ? index.file(row->file) : std::nullopt;
    if (!file) throw CorruptRow("message");
    const Uid uid = lmdb::parse_key<Uid>(key.substr(sizeof(FolderId)));
    std::string uidl = folder.imported_uidls ? index.uidl(id, uid) : std::string{};
    snapshot.add(SnapshotMessage{format_file_name(file->name()), std::move(uidl), *row, uid});
    return true;
  });
}

void add_folders(SnapshotFile& snapshot, const Index& index) {
  for_prefix(index, index.db().folders, "", [&](std::string_view key, std::string_view value) {
    const auto row = ipc::decode<FolderRow>(value);
    if (!row) throw CorruptRow("row of folders");
    const auto id = lmdb::parse_key<FolderId>(key);
    snapshot.add(SnapshotFolder{*row, id});
    add_messages(snapshot, index, id, *row);
    return true;
  });
}

void add_others(SnapshotFile& snapshot, const Index& index) {
  for_prefix(index, index.db().subscribed, "", [&](std::string_view name, std::string_view) {
    snapshot.add(SnapshotSubscription{std::string{name}});
    return true;
  });
  for_prefix(index, index.db().gone, "", [&](std::string_view id, std::string_view expires) {
    snapshot.add(SnapshotTombstone{std::string{id},
                                   static_cast<std::int64_t>(lmdb::parse_key<std::uint64_t>(expires))});
    return true;
  });
}

bool snapshot_is_due(const Mailbox::State& state) {
  struct stat snapshot {
  }, data{};
  const int index = state.index_dir.get();
  if (fstatat(index, "snapshot", &snapshot, AT_SYMLINK_NOFOLLOW) != 0) return true;
  if (fstatat(index, "data.mdb", &data, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return data.st_mtim.tv_sec > snapshot.st_mtim.tv_sec &&
         std::time(nullptr) - snapshot.st_mtim.tv_sec > state.options.snapshot_seconds;
}

void remove_doomed(Mailbox::State& state, const Index& index) {
  lmdb::Cursor cursor{index.txn(), state.db.doomed};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    unlinkat(state.cur_dir.get(), std::string{cursor.key()}.c_str(), 0);
    cursor.erase();
  }
}

// Finishes what was committed but interrupted before the files were removed, and forgets old tombstones.
void remove_leftovers(Mailbox::State& state) {
  {
    auto txn = state.env.read();
    if (txn.count(state.db.doomed) == 0) return;
  }
  Change change{state};
  remove_doomed(state, change.index());
  change.index().purge_tombstones(change.now(), SIZE_MAX);
  change.commit();
}

// The file of an append that was cut short, in tmp/ and, if it came so far, in cur/ without a row.
void remove_staged(Mailbox::State& state, const std::string& id, bool has_row) {
  if (!has_row) {
    const auto file = open_regular(state.tmp_dir.get(), id.c_str());
    const auto length = file ? static_cast<std::uint64_t>(file->status.st_size) : UINT64_MAX;
    if (length <= kMaxMessageLength) {
      const FileName name{id, length, checksum_of(*file)};
      unlinkat(state.cur_dir.get(), format_file_name(name).c_str(), 0);
    }
  }
  unlinkat(state.tmp_dir.get(), id.c_str(), 0);
}

void remove_stale_staged(Mailbox::State& state, std::int64_t now) {
  for (const std::string& id : names_in(state.tmp_dir.get())) {
    struct stat status {};
    if (!is_append_id(id) || fstatat(state.tmp_dir.get(), id.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    if (status.st_mtim.tv_sec + kStaleSeconds >= now) continue;
    auto txn = state.env.read();
    remove_staged(state, id, state.index(txn).file_of(id).has_value());
  }
}

}  // namespace

void write_snapshot(Mailbox::State& state) {
  SnapshotFile snapshot{state.index_dir.get()};
  {
    auto txn = state.env.read();
    const Index index = state.index(txn);
    const auto meta = index.meta();
    if (!meta) throw CorruptRow("no meta row");
    snapshot.add(SnapshotBegin{.last_uid_validity = meta->last_uid_validity,
                               .written = std::time(nullptr),
                               .next_folder = meta->next_folder});
    add_folders(snapshot, index);
    add_others(snapshot, index);
  }
  snapshot.put_in_place();
}

Result<void> Mailbox::write_snapshot() {
  return guarded([&] { mailbox::write_snapshot(*state_); });
}

Result<void> Mailbox::maintain() {
  return guarded([&] {
    if (!state_->summaries.empty()) Change{*state_}.commit();
    remove_leftovers(*state_);
    const std::int64_t now = std::time(nullptr);
    remove_stale_staged(*state_, now);
    remove_stale(state_->index_dir.get(), now, kStaleSeconds, is_temporary_snapshot);
    if (snapshot_is_due(*state_)) mailbox::write_snapshot(*state_);
  });
}

}  // namespace mailroom::mailbox
