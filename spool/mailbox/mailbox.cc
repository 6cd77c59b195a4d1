// Opening an account, and reading it.
#include "spool/mailbox/mailbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "spool/mailbox/account.h"
#include "spool/mailbox/rebuild.h"
#include "spool/mailbox/state.h"

namespace mailroom::mailbox {

Mailbox::Mailbox(std::unique_ptr<State> state) : state_{std::move(state)} {}
Mailbox::Mailbox(Mailbox&&) noexcept = default;
Mailbox& Mailbox::operator=(Mailbox&&) noexcept = default;

Mailbox::~Mailbox() {
  if (state_ != nullptr && !state_->summaries.empty()) static_cast<void>(flush_summaries());
}

Result<Mailbox> Mailbox::open(Options options) {
  return guarded([&] {
    auto state = open_account(std::move(options), AccountLock::shared);
    open_index(*state);
    return Mailbox{std::move(state)};
  });
}

Watch Mailbox::watch() const { return Watch{state_->options.path}; }

std::uint64_t Mailbox::generation() const { return state_->env.last_commit(); }

void Mailbox::condemn_index() const noexcept { mailbox::condemn_index(*state_); }

const std::optional<Rebuilt>& Mailbox::rebuilt() const { return state_->rebuilt; }

// ---- reading ----

Result<FolderId> Mailbox::find(std::string_view name) {
  return guarded([&] {
    auto txn = state_->env.read();
    return require_name(state_->index(txn), name);
  });
}

Result<Folder> Mailbox::folder(FolderId id) {
  return guarded([&] {
    auto txn = state_->env.read();
    const Index index = state_->index(txn);
    return to_folder(index, id, require_folder(index, id));
  });
}

namespace {

Selection selection_of(const Index& index, FolderId id, const FolderRow& row) {
  return {.folder = to_folder(index, id, row),
          .uids = index.set(id, SetKind::existing),
          .first_unseen = index.first_of(id, SetKind::unseen),
          .first_recent = row.recent_from};
}

// Rows of the folder from `first` on, until `visit` returns false.
template <typename Visit>
void for_messages(const Index& index, FolderId id, Uid first, Visit&& visit) {
  lmdb::Cursor cursor{index.txn(), index.db().messages};
  const Key prefix{id};
  for (bool there = cursor.seek(Key{id, first}); there && cursor.key().starts_with(prefix);
       there = cursor.next()) {
    const auto row = ipc::decode<MessageRow>(cursor.value());
    if (!row) throw CorruptRow("row of messages");
    if (!visit(lmdb::parse_key<Uid>(cursor.key().substr(sizeof(FolderId))), *row)) return;
  }
}

UidSet expunged_since(const Index& index, FolderId id, Uid uid_next, ModSeq since) {
  UidSet uids;
  lmdb::Cursor cursor{index.txn(), index.db().expunged};
  const Key prefix{id};
  for (bool there = cursor.seek(Key{id, since + 1}); there && cursor.key().starts_with(prefix);
       there = cursor.next())
    decode_expunges(cursor.value(), uid_next, uids);
  return uids;
}

UidSet changed_since(const Index& index, FolderId id, ModSeq since) {
  UidSet uids;
  lmdb::Cursor cursor{index.txn(), index.db().changed};
  const Key prefix{id};
  for (bool there = cursor.seek(Key{id, since + 1}); there && cursor.key().starts_with(prefix);
       there = cursor.next())
    uids.insert(lmdb::parse_key<Uid>(cursor.key().substr(sizeof(FolderId) + sizeof(ModSeq))));
  return uids;
}

std::vector<Message> rows_of(const Index& index, FolderId id, const UidSet& uids) {
  std::vector<Message> messages;
  messages.reserve(std::min<std::size_t>(uids.size(), 1024));
  uids.for_each([&](Uid uid) {
    if (const auto row = index.message(id, uid)) messages.push_back(to_message(uid, *row));
  });
  return messages;
}

}  // namespace

Result<Selection> Mailbox::select(FolderId id, Access access) {
  return guarded([&] {
    {
      auto txn = state_->env.read();
      const Index index = state_->index(txn);
      const FolderRow row = require_folder(index, id);
      if (access == Access::examine || row.recent_from == row.uid_next) return selection_of(index, id, row);
    }
    Change change{*state_};
    FolderRow& row = change.folder(id).row();
    const Uid first_recent = std::exchange(row.recent_from, row.uid_next);
    Selection selection = selection_of(change.index(), id, row);
    selection.first_recent = first_recent;
    change.commit();
    return selection;
  });
}

Result<Uid> Mailbox::claim_recent(FolderId id) {
  return guarded([&] {
    {
      auto txn = state_->env.read();
      const FolderRow row = require_folder(state_->index(txn), id);
      if (row.recent_from == row.uid_next) return row.uid_next;
    }
    Change change{*state_};
    FolderRow& row = change.folder(id).row();
    const Uid first = std::exchange(row.recent_from, row.uid_next);
    change.commit();
    return first;
  });
}

Result<Changes> Mailbox::changes_since(FolderId id, ModSeq since) {
  return guarded([&] {
    auto txn = state_->env.read();
    const Index index = state_->index(txn);
    const FolderRow row = require_folder(index, id);
    Changes changes{.folder = to_folder(index, id, row)};
    if (row.highest_modseq <= since) return changes;
    changes.messages = rows_of(index, id, changed_since(index, id, since));
    changes.complete = since >= row.forgotten;
    if (changes.complete) changes.expunged = expunged_since(index, id, row.uid_next, since);
    return changes;
  });
}

Result<std::vector<Message>> Mailbox::messages(FolderId id, UidRange range, std::size_t limit) {
  return guarded([&] {
    auto txn = state_->env.read();
    const Index index = state_->index(txn);
    require_folder(index, id);
    std::vector<Message> messages;
    for_messages(index, id, range.first, [&](Uid uid, const MessageRow& row) {
      if (uid > range.last || messages.size() == limit) return false;
      messages.push_back(to_message(uid, row));
      return true;
    });
    return messages;
  });
}

Result<std::vector<Message>> Mailbox::messages(FolderId id, const UidSet& uids) {
  return guarded([&] {
    auto txn = state_->env.read();
    const Index index = state_->index(txn);
    require_folder(index, id);
    return rows_of(index, id, uids);
  });
}

Result<Message> Mailbox::message(FolderId id, Uid uid) {
  return guarded([&] {
    auto txn = state_->env.read();
    const Index index = state_->index(txn);
    require_folder(index, id);
    const auto row = index.message(id, uid);
    if (!row) refuse(Failure::Code::no_such_message, std::to_string(uid));
    return to_message(uid, *row);
  });
}

namespace {

UidSet read_set(Mailbox::State& state, FolderId id, SetKind kind) {
  auto txn = state.env.read();
  const Index index = state.index(txn);
  require_folder(index, id);
  return index.set(id, kind);
}

}  // namespace

Result<UidSet> Mailbox::uids(FolderId id) {
  return guarded([&] { return read_set(*state_, id, SetKind::existing); });
}

Result<UidSet> Mailbox::unseen(FolderId id) {
  return guarded([&] { return read_set(*state_, id, SetKind::unseen); });
}

Result<UidSet> Mailbox::deleted(FolderId id) {
  return guarded([&] { return read_set(*state_, id, SetKind::deleted); });
}

// ---- files and summaries ----

namespace {

MessageFile open_message_file(Mailbox::State& state, FileId id) {
  FileName name;
  {
    auto txn = state.env.read();
    const auto row = state.index(txn).file(id);
    if (!row) refuse(Failure::Code::no_such_message, fmt::format("file {}", id));
    name = row->name();
  }
  auto file = MessageFile::open(state.cur_dir.get(), name);
  if (!file) throw Refusal{std::move(file.error())};
  return std::move(*file);
}

std::optional<std::string> cached_summary(Mailbox::State& state, FileId id) {
  const auto pending = state.summaries.find(id);
  if (pending != state.summaries.end()) return pending->second;
  auto txn = state.env.read();
  const auto value = txn.get(state.db.summaries, Key{id});
  const Key version{state.options.summary_version};
  if (!value || !value->starts_with(version)) return std::nullopt;
  return std::string{value->substr(std::string_view{version}.size())};
}

// One that is larger is computed each time.
constexpr std::size_t kMaxSummary = 1 << 20;
// Written to the index when there are more: a first FETCH of a whole folder commits once for some thousand
// messages.
constexpr std::size_t kMaxPendingSummaries = 4096;
constexpr std::size_t kMaxPendingOctets = 8 << 20;

}  // namespace

Result<MessageFile> Mailbox::open_file(FileId file) {
  return guarded([&] { return open_message_file(*state_, file); });
}

Result<std::string> Mailbox::summary(FileId file) {
  return guarded([&] {
    if (auto cached = cached_summary(*state_, file)) return std::move(*cached);
    const MessageFile message = open_message_file(*state_, file);
    std::string summary =
        state_->options.summarise ? state_->options.summarise(message.bytes()) : std::string{};
    if (summary.size() > kMaxSummary) return summary;
    state_->summary_octets += summary.size();
    state_->summaries.emplace(file, summary);
    if (state_->summaries.size() >= kMaxPendingSummaries || state_->summary_octets >= kMaxPendingOctets)
      Change{*state_}.commit();
    return summary;
  });
}

Result<void> Mailbox::flush_summaries() {
  return guarded([&] {
    if (!state_->summaries.empty()) Change{*state_}.commit();
  });
}

Result<Usage> Mailbox::usage() {
  return guarded([&] {
    auto txn = state_->env.read();
    const auto meta = state_->index(txn).meta();
    if (!meta) throw CorruptRow("no meta row");
    return Usage{meta->files, meta->octets};
  });
}

}  // namespace mailroom::mailbox
