// The databases of an account's index and typed access to their rows.  format.md describes them.
//
// Index is the schema; FolderEditor and Change keep its invariants (counts, sets, modification sequences,
// references) and are the only code that writes messages.  All throw lmdb::Error, or CorruptRow for a row
// that does not decode.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/lmdb/lmdb.h"
#include "spool/mailbox/records.h"
#include "spool/mailbox/types.h"
#include "spool/mailbox/uid_set.h"

namespace mailroom::mailbox {

struct CorruptRow : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Which messages of a folder a set holds.  The value is part of the key on disk.
enum class SetKind : std::uint8_t { existing, unseen, deleted };
inline constexpr SetKind kSetKinds[] = {SetKind::existing, SetKind::unseen, SetKind::deleted};

// A key of the index made of numbers, most significant first; no allocation.
class Key {
 public:
  template <typename... T>
  explicit Key(T... numbers) {
    (lmdb::append_key(*this, numbers), ...);
  }
  void push_back(char octet) { octets_[size_++] = octet; }
  operator std::string_view() const { return {octets_, size_}; }

 private:
  char octets_[24];
  std::size_t size_ = 0;
};

struct Databases {
  lmdb::Dbi meta, folders, names, subscribed, messages, changed, expunged, sets, files, ids, gone,
      gone_by_time, doomed, summaries, uidls, uidl_owners;
};
inline constexpr unsigned kDatabases = 16;

// Opens them all; in a write transaction with `create`.
Databases open_databases(lmdb::Txn& txn, lmdb::Txn::Create create);

// Rows in one transaction.  A value that can be passed around while the transaction lives.
class Index {
 public:
  Index(lmdb::Txn& txn, const Databases& databases) : txn_{&txn}, db_{&databases} {}

  lmdb::Txn& txn() const { return *txn_; }
  const Databases& db() const { return *db_; }

  std::optional<MetaRow> meta() const;
  void put_meta(const MetaRow& row);

  std::optional<FolderRow> folder(FolderId id) const;
  void put_folder(FolderId id, const FolderRow& row);
  std::optional<FolderId> named(std::string_view name) const;

  std::optional<MessageRow> message(FolderId folder, Uid uid) const;
  std::optional<FileRow> file(FileId id) const;
  void put_file(FileId id, const FileRow& row);
  std::optional<FileId> file_of(std::string_view id) const;

  // A whole set, or from the chunk that holds `from` on.
  UidSet set(FolderId folder, SetKind kind, Uid from = 0) const;
  std::optional<Uid> first_of(FolderId folder, SetKind kind) const;

  // The stored UIDL, or empty.
  std::string uidl(FolderId folder, Uid uid) const;

  bool is_tombstone(std::string_view id) const;
  void put_tombstone(std::string_view id, std::int64_t expires);
  // Forgets up to `limit` of those that have expired.
  void purge_tombstones(std::int64_t now, std::size_t limit);

 private:
  lmdb::Txn* txn_;
  const Databases* db_;
};

Message to_message(Uid uid, const MessageRow& row);
Folder to_folder(const Index& index, FolderId id, const FolderRow& row);

// Calls visit(key, value) for all rows whose key begins with `prefix`, until it returns false.
template <typename Visit>
void for_prefix(const Index& index, lmdb::Dbi dbi, std::string_view prefix, Visit&& visit) {
  lmdb::Cursor cursor{index.txn(), dbi};
  for (bool there = cursor.seek(prefix); there && cursor.key().starts_with(prefix); there = cursor.next())
    if (!visit(cursor.key(), cursor.value())) return;
}

// Changes to one folder in one write transaction.  All of them share one new modification sequence.
class FolderEditor {
 public:
  FolderEditor(Index index, FolderId id, FolderRow row) : index_{index}, id_{id}, row_{std::move(row)} {}

  FolderId id() const { return id_; }
  FolderRow& row() { return row_; }

  // Adds a message under `uid`, which must not be less than uid_next, or under uid_next; row.modseq is set
  // here.
  Uid add(MessageRow row, std::optional<Uid> uid = std::nullopt);
  // Replaces flags and keywords; `row` is the present one and becomes the new one.
  void change(Uid uid, MessageRow& row, Flags flags, KeywordMask keywords);
  // Takes the message out; the file's reference is the caller's business.
  void remove(Uid uid, const MessageRow& row);
  // False, and nothing is changed, when another message of the folder has it.
  bool put_uidl(Uid uid, std::string_view uidl);

  // Bits for the names, which are added to the folder's table if `create`; names that are not there are
  // passed over otherwise.  Throws Refusal (too_many_keywords, bad_name).
  enum class Unknown : std::uint8_t { pass_over, create };
  KeywordMask keyword_mask(const std::vector<std::string>& names, Unknown unknown);

  bool has(SetKind kind, Uid uid);

  // Writes what is pending.  Nothing may be called afterwards.
  void finish();

 private:
  struct CachedChunk {
    std::uint32_t index = UINT32_MAX;
    bool loaded = false;
    bool dirty = false;
    std::array<std::uint64_t, UidSet::kBits / 64> words{};
  };
  ModSeq next_modseq();
  CachedChunk& chunk(SetKind kind, Uid uid);
  void write_chunk(SetKind kind, CachedChunk& chunk);
  void set_bit(SetKind kind, Uid uid, bool on);
  void count_flags(Uid uid, Flags before, Flags after);
  void put_message(Uid uid, const MessageRow& row);
  void record_expunges();
  void erase_uidl(Uid uid);

  Index index_;
  FolderId id_;
  FolderRow row_;
  bool modseq_taken_ = false;
  CachedChunk chunks_[3];
  UidSet expunged_;
};

// Ends one call of the library with an expected Failure; caught at its border (state.h).
struct Refusal {
  Failure failure;
};
[[noreturn]] void refuse(Failure::Code code, std::string text);

// How many expunging transactions of a folder are remembered for changes_since().
inline constexpr std::uint32_t kMaxExpungeRecords = 4096;

std::string encode_expunges(const UidSet& uids);
// Adds them to `uids`.  Throws CorruptRow, also when one has never been given: it is not below `uid_next`,
// the folder's.
void decode_expunges(std::string_view value, Uid uid_next, UidSet& uids);

}  // namespace mailroom::mailbox
