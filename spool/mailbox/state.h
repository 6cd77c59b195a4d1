// What the parts of the mailbox library share: an open account, a write transaction, and the border where
// what a call threw becomes its Failure.
#pragma once

#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "spool/mailbox/files.h"
#include "spool/mailbox/index.h"
#include "spool/mailbox/mailbox.h"

namespace mailroom::mailbox {

struct Mailbox::State {
  Options options;
  Fd root;  // holds a shared flock while the mailbox is open: a rebuild takes it exclusively
  Fd new_dir, cur_dir, tmp_dir, index_dir;
  Fd changes;  // index/changes: written to after each commit, for Watch
  lmdb::Env env;
  Databases db;

  // The time of the last change to new/ after which all that could be taken in was; {0, 0}: not known.
  timespec new_seen{};
  bool sync_failed = false;
  std::optional<Rebuilt> rebuilt;

  // Summaries computed and not yet written, and their octets.
  std::map<FileId, std::string> summaries;
  std::size_t summary_octets = 0;

  Index index(lmdb::Txn& txn) const { return Index{txn, db}; }
};

// The folder's row, or refuse(no_such_folder).
FolderRow require_folder(const Index& index, FolderId id);

// One write transaction.  Without commit() it has no effect.
class Change {
 public:
  explicit Change(Mailbox::State& state);

  Index& index() { return index_; }
  MetaRow& meta() { return meta_; }
  std::int64_t now() const { return now_; }

  // The folder's one editor in this transaction; refuse(no_such_folder).
  FolderEditor& folder(FolderId id);
  // Forgets the editor without writing it: the folder is being removed.
  void forget_folder(FolderId id) { editors_.erase(id); }

  FolderId create_folder(const std::string& name, SpecialUse use);

  FileId add_file(const FileName& name);
  void add_reference(FileId file);
  // With the last reference goes the file; its name stays as a tombstone if it was a delivery.
  void drop_reference(FileId file);

  // On disk when it returns.  Then removes the files that lost their last reference, and signals the other
  // sessions.
  void commit();

 private:
  void put_summaries();
  void remove_doomed() noexcept;
  Mailbox::State& state_;
  lmdb::Txn txn_;
  Index index_;
  MetaRow meta_;
  MetaRow meta_before_;
  std::map<FolderId, FolderEditor> editors_;
  std::vector<std::string> doomed_;
  std::int64_t now_;
};

// Copies to `to` what `uids` name and takes it out of `from`, in the order of UIDs.
Copied move_messages(Change& change, FolderId from, const UidSet& uids, FolderId to);

// Imported UIDs from here on are not kept: a made-up one must not use up the folder's.
inline constexpr Uid kImportedUidEnd = Uid{1} << 31;

// Tells other sessions to look.
void signal_change(Mailbox::State& state) noexcept;

// Puts what is not in the index yet: an account's first rows, from the snapshot and the files of cur/, in one
// transaction.  Nothing happens when another process was faster.
struct Rebuilt;
void fill_index(Mailbox::State& state, Rebuilt& rebuilt);

// Throws; what is there stays until the new one is on disk.
void write_snapshot(Mailbox::State& state);

// Failure for what is being handled in a catch block.
Failure current_failure() noexcept;

// Runs the body of a call; what it throws becomes the call's Failure.
template <typename Body>
auto guarded(Body&& body) -> Result<decltype(body())> {
  try {
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      return {};
    } else {
      return body();
    }
  } catch (...) {
    return std::unexpected(current_failure());
  }
}

// The value, or its failure thrown on.
template <typename T>
T value_of(Result<T> result) {
  if (!result) throw Refusal{std::move(result.error())};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace mailroom::mailbox
