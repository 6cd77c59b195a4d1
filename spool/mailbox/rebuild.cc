#include "spool/mailbox/rebuild.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <map>

#include "spool/mailbox/account.h"
#include "spool/mailbox/checksum.h"
#include "spool/mailbox/folder_name.h"
#include "spool/mailbox/snapshot.h"
#include "spool/mailbox/state.h"

namespace mailroom::mailbox {
namespace {

// What was given out after the snapshot is not known: numbers go on far above what it can have been, so that
// no UID means two messages and every client asks again for flags that may have gone back.
constexpr Uid kUidGap = 1 << 20;
constexpr ModSeq kModSeqGap = ModSeq{1} << 32;
constexpr FolderId kFolderGap = 1 << 16;

// The largest snapshot read: some 100 octets for each message.
constexpr std::uint64_t kMaxSnapshot = std::uint64_t{4} << 30;

struct StoredFile {
  FileName name;
  timespec changed{};
  FileId id = 0;  // once a row refers to it
};

using StoredFiles = std::map<std::string, StoredFile, std::less<>>;  // by name in cur/

// The regular files of cur/ whose length is what their name says.
StoredFiles read_files(const Mailbox::State& state) {
  StoredFiles files;
  for (std::string& path : names_in(state.cur_dir.get())) {
    struct stat status {};
    const auto name = parse_file_name(path);
    if (!name || fstatat(state.cur_dir.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) != name->length) continue;
    files.emplace(std::move(path), StoredFile{*name, status.st_mtim});
  }
  return files;
}

KeywordMask known_bits(KeywordMask mask, std::size_t keywords) {
  return keywords >= kMaxKeywords ? mask : mask & ((KeywordMask{1} << keywords) - 1);
}

// Fills an empty index in one transaction.
class Filler {
 public:
  Filler(Mailbox::State& state, Change& change, Rebuilt& rebuilt)
      : state_{state}, change_{change}, rebuilt_{rebuilt}, files_{read_files(state)} {}

  void run(std::string_view snapshot) {
    SnapshotReader reader{snapshot};
    while (const auto record = reader.next()) {
      if (!rebuilt_.snapshot_used && !std::holds_alternative<SnapshotBegin>(*record)) break;
      std::visit([this](const auto& r) { restore(r); }, *record);
    }
    end_folder();
    if (!change_.index().folder(kInbox)) create_inbox();
    adopt_the_rest();
  }

 private:
  void restore(const SnapshotBegin& begin) {
    rebuilt_.snapshot_used = begin.version == kIndexVersion;
    change_.meta().next_folder = std::max<FolderId>(begin.next_folder, kInbox + 1) + kFolderGap;
    change_.meta().last_uid_validity = begin.last_uid_validity;
  }

  void restore(const SnapshotFolder& folder) {
    end_folder();
    const auto id = static_cast<FolderId>(folder.id);
    if (canonical_folder_name(folder.row.name) != folder.row.name || change_.index().folder(id)) return;
    if ((id == kInbox) != (folder.row.name == "INBOX") || id >= change_.meta().next_folder) return;
    FolderRow row{.name = folder.row.name,
                  .keywords = folder.row.keywords,
                  .highest_modseq = folder.row.highest_modseq + kModSeqGap,
                  .uid_validity = folder.row.uid_validity,
                  .recent_from = folder.row.recent_from,
                  .use = folder.row.use};
    row.forgotten = row.highest_modseq;
    change_.index().put_folder(id, row);
    change_.index().txn().put(state_.db.names, row.name, Key{id});
    current_ = &change_.folder(id);
    uid_next_ = folder.row.uid_next;
  }

  void restore(const SnapshotMessage& message) {
    if (current_ == nullptr || message.uid < current_->row().uid_next || message.uid >= uid_next_) return;
    const auto found = files_.find(message.file);
    if (found == files_.end()) {
      ++rebuilt_.missing;
      return;
    }
    MessageRow row = message.row;
    row.file = reference(found->second);
    row.size = found->second.name.length;
    row.flags &= kAllFlags;
    row.keywords = known_bits(row.keywords, current_->row().keywords.size());
    const Uid uid = current_->add(row, static_cast<Uid>(message.uid));
    if (!message.uidl.empty()) current_->put_uidl(uid, message.uidl);
    ++rebuilt_.from_snapshot;
  }

  void restore(const SnapshotSubscription& subscription) {
    if (canonical_folder_name(subscription.name) == subscription.name)
      change_.index().txn().put(state_.db.subscribed, subscription.name, "");
  }

  void restore(const SnapshotTombstone& tombstone) {
    if (is_delivery_id(tombstone.id)) change_.index().put_tombstone(tombstone.id, tombstone.expires);
  }

  void restore(const SnapshotEnd&) {}

  void end_folder() {
    if (current_ == nullptr) return;
    FolderRow& row = current_->row();
    if (uid_next_ < UINT32_MAX - kUidGap) {
      row.uid_next = uid_next_ + kUidGap;
    } else {
      row.uid_validity = ++change_.meta().last_uid_validity;
    }
    current_ = nullptr;
  }

  void create_inbox() {
    const FolderId next = std::exchange(change_.meta().next_folder, kInbox);
    change_.create_folder("INBOX", SpecialUse::none);
    change_.meta().next_folder = std::max(next, kInbox + 1);
  }

  FileId reference(StoredFile& file) {
    if (file.id == 0) file.id = change_.add_file(file.name);
    change_.add_reference(file.id);
    return file.id;
  }

  // Files that no row refers to, in the order of their arrival: mail that came after the snapshot.
  void adopt_the_rest() {
    std::vector<StoredFile*> rest;
    for (auto& [path, file] : files_)
      if (file.id == 0) rest.push_back(&file);
    std::ranges::stable_sort(rest, [](const StoredFile* a, const StoredFile* b) {
      return std::tie(a->changed.tv_sec, a->changed.tv_nsec) <
             std::tie(b->changed.tv_sec, b->changed.tv_nsec);
    });
    for (StoredFile* file : rest) adopt(*file);
  }

  void adopt(StoredFile& file) {
    if (change_.index().is_tombstone(file.name.id)) {
      change_.index().txn().put(state_.db.doomed, format_file_name(file.name), "");
      return;
    }
    if (change_.index().file_of(file.name.id)) return;  // another file with this id was taken already
    const auto message = MessageFile::open(state_.cur_dir.get(), file.name);
    if (!message || !message->checksum_matches()) return;
    change_.folder(kInbox).add(
        {.file = reference(file),
         .internal_date = std::clamp<std::int64_t>(file.changed.tv_sec, 0, change_.now()),
         .save_date = change_.now(),
         .size = file.name.length});
    ++rebuilt_.adopted;
  }

  Mailbox::State& state_;
  Change& change_;
  Rebuilt& rebuilt_;
  StoredFiles files_;
  FolderEditor* current_ = nullptr;
  Uid uid_next_ = 1;  // of the current folder in the snapshot
};

std::string read_snapshot(const Mailbox::State& state) {
  const auto file = open_regular(state.index_dir.get(), "snapshot");
  if (!file) return {};
  return read_all(*file, kMaxSnapshot).value_or("");
}

}  // namespace

void fill_index(Mailbox::State& state, Rebuilt& rebuilt) {
  Change change{state};
  if (change.index().meta()) return;
  Filler{state, change, rebuilt}.run(read_snapshot(state));
  change.commit();
  // From the old one the same numbers would be given out once more, should this index be lost too.
  if (rebuilt.snapshot_used || rebuilt.adopted > 0) write_snapshot(state);
}

Result<Rebuilt> rebuild(const Options& options) {
  return guarded([&] {
    const auto state = open_account(options, AccountLock::exclusive);
    set_index_aside(*state);
    open_environment(*state);
    Rebuilt rebuilt;
    fill_index(*state, rebuilt);
    return rebuilt;
  });
}

}  // namespace mailroom::mailbox
