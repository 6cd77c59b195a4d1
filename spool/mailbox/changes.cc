// APPEND, COPY, MOVE, STORE, EXPUNGE.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <ctime>

#include "spool/mailbox/checksum.h"
#include "spool/mailbox/state.h"
#include "spool/mailbox/uidl.h"

namespace mailroom::mailbox {

// ---- Staged ----

namespace {

constexpr std::size_t kWriteBuffer = 64 * 1024;

}  // namespace

struct Staged::State {
  int tmp_dir = -1;  // the mailbox's
  std::string id;
  Fd fd;
  std::string buffer;
  Checksum checksum;
  std::uint64_t size = 0;
  bool finished = false;

  // Its name in tmp/ goes in any case: after append() the file has one in cur/.
  ~State() {
    if (!id.empty()) unlinkat(tmp_dir, id.c_str(), 0);
  }
  void flush() {
    write_all(fd.get(), buffer);
    buffer.clear();
  }
  FileName name() const { return {id, size, checksum.value()}; }
};

Staged::Staged(std::unique_ptr<State> state) : state_{std::move(state)} {}
Staged::Staged(Staged&&) noexcept = default;
Staged& Staged::operator=(Staged&&) noexcept = default;
Staged::~Staged() = default;

std::uint64_t Staged::size() const { return state_->size; }

Result<void> Staged::write(std::string_view octets) {
  return guarded([&] {
    state_->checksum.add(octets);
    state_->size += octets.size();
    state_->buffer.append(octets);
    if (state_->buffer.size() >= kWriteBuffer) state_->flush();
  });
}

Result<void> Staged::finish() {
  return guarded([&] {
    if (state_->finished) return;
    state_->flush();
    sync_data(state_->fd.get());
    state_->finished = true;
    state_->fd.reset();
  });
}

Result<Staged> Mailbox::stage() {
  return guarded([&] {
    auto staged = std::make_unique<Staged::State>();
    const std::string id = random_append_id();
    staged->fd = create_file(state_->tmp_dir.get(), id.c_str());
    staged->id = id;
    staged->tmp_dir = state_->tmp_dir.get();
    return Staged{std::move(staged)};
  });
}

// ---- APPEND ----

namespace {

// Names in cur/ of staged files whose rows are not committed yet.  The names in tmp/ stay until they are, so
// that after a crash remove_stale_staged() finds what has no row without searching cur/.
class Linked {
 public:
  explicit Linked(int cur_dir) : cur_dir_{cur_dir} {}
  ~Linked() {
    for (const std::string& name : names_) unlinkat(cur_dir_, name.c_str(), 0);
  }
  void add(int from_dir, const std::string& from, const FileName& to) {
    const std::string name = format_file_name(to);
    if (linkat(from_dir, from.c_str(), cur_dir_, name.c_str(), 0) != 0) throw SystemError(errno, name);
    names_.push_back(name);
  }
  void keep() { names_.clear(); }

 private:
  int cur_dir_;
  std::vector<std::string> names_;
};

std::optional<Uid> wanted_uid(const NewMessage& message, const FolderRow& folder) {
  if (!message.uid || *message.uid < folder.uid_next || *message.uid >= kImportedUidEnd) return std::nullopt;
  return message.uid;
}

Uid append_one(Change& change, FolderEditor& folder, const NewMessage& message, const FileName& name) {
  const FileId file = change.add_file(name);
  change.add_reference(file);
  const MessageRow row{.file = file,
                       .keywords = folder.keyword_mask(message.keywords, FolderEditor::Unknown::create),
                       .internal_date = message.internal_date,
                       .save_date = change.now(),
                       .size = name.length,
                       .flags = static_cast<Flags>(message.flags & kAllFlags)};
  const Uid uid = folder.add(row, wanted_uid(message, folder.row()));
  if (is_importable_uidl(message.uidl, folder.row().uid_validity)) folder.put_uidl(uid, message.uidl);
  return uid;
}

}  // namespace

Result<Appended> Mailbox::append(FolderId id, std::vector<NewMessage> messages) {
  return guarded([&] {
    Linked linked{state_->cur_dir.get()};
    for (NewMessage& message : messages) {
      if (auto finished = message.staged.finish(); !finished) throw Refusal{std::move(finished.error())};
      const Staged::State& staged = *message.staged.state_;
      linked.add(staged.tmp_dir, staged.id, staged.name());
    }
    sync_directory(state_->cur_dir.get());
    Change change{*state_};
    FolderEditor& folder = change.folder(id);
    Appended appended{.uid_validity = folder.row().uid_validity};
    for (const NewMessage& message : messages)
      appended.uids.push_back(append_one(change, folder, message, message.staged.state_->name()));
    change.commit();
    linked.keep();
    return appended;
  });
}

// ---- COPY, MOVE ----

namespace {

std::vector<std::string> keyword_names(const FolderRow& folder, KeywordMask mask) {
  std::vector<std::string> names;
  for (; mask != 0; mask &= mask - 1) {
    const auto bit = static_cast<std::size_t>(std::countr_zero(mask));
    if (bit < folder.keywords.size()) names.push_back(folder.keywords[bit]);
  }
  return names;
}

// The messages of `uids` that the folder has, with their rows.
std::vector<std::pair<Uid, MessageRow>> rows_of(Change& change, FolderId id, const UidSet& uids) {
  std::vector<std::pair<Uid, MessageRow>> rows;
  uids.for_each([&](Uid uid) {
    if (auto row = change.index().message(id, uid)) rows.emplace_back(uid, *row);
  });
  return rows;
}

Uid copy_one(Change& change, const FolderRow& source, FolderEditor& target, MessageRow row) {
  change.add_reference(row.file);
  row.keywords = target.keyword_mask(keyword_names(source, row.keywords), FolderEditor::Unknown::create);
  row.save_date = change.now();
  return target.add(row);
}

}  // namespace

Result<Copied> Mailbox::copy(FolderId from, const UidSet& uids, FolderId to) {
  return guarded([&] {
    Change change{*state_};
    const FolderRow source = require_folder(change.index(), from);
    FolderEditor& target = change.folder(to);
    Copied copied{.uid_validity = target.row().uid_validity};
    for (const auto& [uid, row] : rows_of(change, from, uids))
      copied.uids.emplace_back(uid, copy_one(change, source, target, row));
    change.commit();
    return copied;
  });
}

Copied move_messages(Change& change, FolderId from, const UidSet& uids, FolderId to) {
  FolderEditor& source = change.folder(from);
  FolderEditor& target = change.folder(to);
  Copied copied{.uid_validity = target.row().uid_validity};
  for (const auto& [uid, row] : rows_of(change, from, uids)) {
    copied.uids.emplace_back(uid, copy_one(change, source.row(), target, row));
    source.remove(uid, row);
    change.drop_reference(row.file);
  }
  return copied;
}

Result<Copied> Mailbox::move(FolderId from, const UidSet& uids, FolderId to) {
  return guarded([&] {
    Change change{*state_};
    Copied moved = move_messages(change, from, uids, to);
    change.commit();
    return moved;
  });
}

// ---- STORE ----

namespace {

struct Wanted {
  Flags flags = 0;
  KeywordMask keywords = 0;
};

Wanted apply(const FlagChange& change, KeywordMask mask, const MessageRow& row) {
  switch (change.how) {
  case FlagChange::How::add:
    return {static_cast<Flags>(row.flags | change.flags), row.keywords | mask};
  case FlagChange::How::remove:
    return {static_cast<Flags>(row.flags & ~change.flags), row.keywords & ~mask};
  case FlagChange::How::replace:
    break;
  }
  return {change.flags, mask};
}

FolderEditor::Unknown unknown_keywords(const FlagChange& change) {
  return change.how == FlagChange::How::remove ? FolderEditor::Unknown::pass_over
                                               : FolderEditor::Unknown::create;
}

}  // namespace

Result<Stored> Mailbox::store(FolderId id, const UidSet& uids, const FlagChange& wanted) {
  return guarded([&] {
    Change change{*state_};
    FolderEditor& folder = change.folder(id);
    FlagChange allowed = wanted;
    allowed.flags &= kAllFlags;
    const KeywordMask mask = folder.keyword_mask(allowed.keywords, unknown_keywords(allowed));
    Stored stored;
    bool changed = false;
    for (auto& [uid, row] : rows_of(change, id, uids)) {
      if (allowed.unchanged_since && row.modseq > *allowed.unchanged_since) {
        stored.modified.insert(uid);
        continue;
      }
      MessageRow now = row;
      const Wanted after = apply(allowed, mask, row);
      if (after.flags != row.flags || after.keywords != row.keywords) {
        folder.change(uid, now, after.flags, after.keywords);
        changed = true;
      }
      stored.messages.push_back(to_message(uid, now));
    }
    stored.highest_modseq = folder.row().highest_modseq;
    if (changed) change.commit();
    return stored;
  });
}

// ---- EXPUNGE ----

namespace {

UidSet remove_messages(Change& change, FolderId id, const UidSet& uids) {
  UidSet removed;
  FolderEditor& folder = change.folder(id);
  for (const auto& [uid, row] : rows_of(change, id, uids)) {
    folder.remove(uid, row);
    change.drop_reference(row.file);
    removed.insert(uid);
  }
  return removed;
}

}  // namespace

Result<UidSet> Mailbox::remove(FolderId id, const UidSet& uids) {
  return guarded([&] {
    Change change{*state_};
    UidSet removed = remove_messages(change, id, uids);
    if (!removed.empty()) change.commit();
    return removed;
  });
}

Result<UidSet> Mailbox::expunge(FolderId id, const UidSet* only) {
  return guarded([&] {
    Change change{*state_};
    const UidSet deleted = change.index().set(id, SetKind::deleted);
    UidSet removed = remove_messages(change, id, only != nullptr ? deleted.intersection(*only) : deleted);
    if (!removed.empty()) change.commit();
    return removed;
  });
}

}  // namespace mailroom::mailbox
