#include "spool/mailbox/index.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "libcommon/text/ascii.h"
#include "spool/mailbox/folder_name.h"

namespace mailroom::mailbox {
namespace {

constexpr std::string_view kMetaKey = "meta";

template <typename Row>
std::optional<Row> decode_row(std::optional<std::string_view> value, const char* database) {
  if (!value) return std::nullopt;
  auto row = ipc::decode<Row>(*value);
  if (!row) throw CorruptRow(std::string("row of ") + database);
  return row;
}

std::uint8_t to_octet(SetKind kind) { return static_cast<std::uint8_t>(kind); }

}  // namespace

void refuse(Failure::Code code, std::string text) { throw Refusal{{code, std::move(text)}}; }

Databases open_databases(lmdb::Txn& txn, lmdb::Txn::Create create) {
  const auto open = [&](const char* name) { return txn.database(name, create); };
  return {.meta = open("meta"),
          .folders = open("folders"),
          .names = open("names"),
          .subscribed = open("subscribed"),
          .messages = open("messages"),
          .changed = open("changed"),
          .expunged = open("expunged"),
          .sets = open("sets"),
          .files = open("files"),
          .ids = open("ids"),
          .gone = open("gone"),
          .gone_by_time = open("gone_by_time"),
          .doomed = open("doomed"),
          .summaries = open("summaries"),
          .uidls = open("uidls"),
          .uidl_owners = open("uidl_owners")};
}

// ---- Index ----

std::optional<MetaRow> Index::meta() const {
  return decode_row<MetaRow>(txn_->get(db_->meta, kMetaKey), "meta");
}
void Index::put_meta(const MetaRow& row) { txn_->put(db_->meta, kMetaKey, ipc::encode(row)); }

std::optional<FolderRow> Index::folder(FolderId id) const {
  return decode_row<FolderRow>(txn_->get(db_->folders, Key{id}), "folders");
}

void Index::put_folder(FolderId id, const FolderRow& row) {
  txn_->put(db_->folders, Key{id}, ipc::encode(row));
}

std::optional<FolderId> Index::named(std::string_view name) const {
  const auto value = txn_->get(db_->names, name);
  if (!value) return std::nullopt;
  if (value->size() != sizeof(FolderId)) throw CorruptRow("row of names");
  return lmdb::parse_key<FolderId>(*value);
}

std::optional<MessageRow> Index::message(FolderId folder, Uid uid) const {
  return decode_row<MessageRow>(txn_->get(db_->messages, Key{folder, uid}), "messages");
}

std::optional<FileRow> Index::file(FileId id) const {
  return decode_row<FileRow>(txn_->get(db_->files, Key{id}), "files");
}

void Index::put_file(FileId id, const FileRow& row) { txn_->put(db_->files, Key{id}, ipc::encode(row)); }

std::optional<FileId> Index::file_of(std::string_view id) const {
  const auto value = txn_->get(db_->ids, id);
  if (!value) return std::nullopt;
  if (value->size() != sizeof(FileId)) throw CorruptRow("row of ids");
  return lmdb::parse_key<FileId>(*value);
}

UidSet Index::set(FolderId folder, SetKind kind, Uid from) const {
  UidSet uids;
  const Key prefix{folder, to_octet(kind)};
  lmdb::Cursor cursor{*txn_, db_->sets};
  bool there = cursor.seek(Key{folder, to_octet(kind), from / UidSet::kBits});
  for (; there && cursor.key().starts_with(prefix); there = cursor.next()) {
    const auto index = lmdb::parse_key<std::uint32_t>(cursor.key().substr(std::string_view{prefix}.size()));
    if (!uids.append_chunk(index, cursor.value())) throw CorruptRow("row of sets");
  }
  return uids;
}

std::optional<Uid> Index::first_of(FolderId folder, SetKind kind) const {
  UidSet uids;
  const Key prefix{folder, to_octet(kind)};
  for_prefix(*this, db_->sets, prefix, [&](std::string_view key, std::string_view value) {
    const auto index = lmdb::parse_key<std::uint32_t>(key.substr(std::string_view{prefix}.size()));
    if (!uids.append_chunk(index, value)) throw CorruptRow("row of sets");
    return uids.empty();
  });
  return uids.first();
}

std::string Index::uidl(FolderId folder, Uid uid) const {
  return std::string{txn_->get(db_->uidls, Key{folder, uid}).value_or("")};
}

bool Index::is_tombstone(std::string_view id) const { return txn_->get(db_->gone, id).has_value(); }

void Index::put_tombstone(std::string_view id, std::int64_t expires) {
  const Key time{static_cast<std::uint64_t>(expires)};
  if (!txn_->insert(db_->gone, id, time)) return;
  txn_->put(db_->gone_by_time, std::string{std::string_view{time}}.append(id), "");
}

void Index::purge_tombstones(std::int64_t now, std::size_t limit) {
  lmdb::Cursor cursor{*txn_, db_->gone_by_time};
  for (bool there = cursor.first(); there && limit > 0; there = cursor.next(), --limit) {
    if (lmdb::parse_key<std::uint64_t>(cursor.key()) > static_cast<std::uint64_t>(now)) return;
    txn_->erase(db_->gone, std::string{cursor.key().substr(sizeof(std::uint64_t))});
    cursor.erase();
  }
}

Message to_message(Uid uid, const MessageRow& row) {
  return {.uid = uid,
          .flags = row.flags,
          .keywords = row.keywords,
          .file = row.file,
          .modseq = row.modseq,
          .internal_date = row.internal_date,
          .save_date = row.save_date,
          .size = row.size};
}

Folder to_folder(const Index& index, FolderId id, const FolderRow& row) {
  Folder folder{.id = id,
                .name = row.name,
                .uid_validity = row.uid_validity,
                .uid_next = row.uid_next,
                .highest_modseq = row.highest_modseq,
                .exists = row.exists,
                .unseen = row.unseen,
                .deleted = row.deleted,
                .octets = row.octets,
                .use = row.use,
                .keywords = row.keywords};
  if (row.recent_from < row.uid_next) {
    const UidSet tail = index.set(id, SetKind::existing, row.recent_from);
    folder.recent = tail.size() - tail.rank(row.recent_from - 1);
  }
  return folder;
}

// ---- FolderEditor ----

ModSeq FolderEditor::next_modseq() {
  if (!modseq_taken_) ++row_.highest_modseq;
  modseq_taken_ = true;
  return row_.highest_modseq;
}

FolderEditor::CachedChunk& FolderEditor::chunk(SetKind kind, Uid uid) {
  CachedChunk& cached = chunks_[to_octet(kind)];
  const std::uint32_t index = uid / UidSet::kBits;
  if (cached.loaded && cached.index == index) return cached;
  write_chunk(kind, cached);
  cached = {.index = index, .loaded = true};
  if (const auto value = index_.txn().get(index_.db().sets, Key{id_, to_octet(kind), index})) {
    if (value->size() != UidSet::kChunkOctets) throw CorruptRow("row of sets");
    std::memcpy(cached.words.data(), value->data(), value->size());
  }
  return cached;
}

void FolderEditor::write_chunk(SetKind kind, CachedChunk& chunk) {
  if (!chunk.dirty) return;
  const Key key{id_, to_octet(kind), chunk.index};
  const bool empty = std::ranges::all_of(chunk.words, [](std::uint64_t word) { return word == 0; });
  if (empty) {
    index_.txn().erase(index_.db().sets, key);
  } else {
    index_.txn().put(index_.db().sets, key,
                     {reinterpret_cast<const char*>(chunk.words.data()), UidSet::kChunkOctets});
  }
  chunk.dirty = false;
}

bool FolderEditor::has(SetKind kind, Uid uid) {
  return chunk(kind, uid).words[uid % UidSet::kBits / 64] >> (uid % 64) & 1;
}

void FolderEditor::set_bit(SetKind kind, Uid uid, bool on) {
  CachedChunk& cached = chunk(kind, uid);
  const std::uint64_t bit = std::uint64_t{1} << (uid % 64);
  auto& word = cached.words[uid % UidSet::kBits / 64];
  word = on ? word | bit : word & ~bit;
  cached.dirty = true;
}

// Moves the message between the counts and sets of unseen and deleted ones.
void FolderEditor::count_flags(Uid uid, Flags before, Flags after) {
  if ((before ^ after) & kSeen) {
    const bool unseen = !(after & kSeen);
    set_bit(SetKind::unseen, uid, unseen);
    row_.unseen += unseen ? 1u : -1u;
  }
  if ((before ^ after) & kDeleted) {
    const bool deleted = after & kDeleted;
    set_bit(SetKind::deleted, uid, deleted);
    row_.deleted += deleted ? 1u : -1u;
  }
}

void FolderEditor::put_message(Uid uid, const MessageRow& row) {
  index_.txn().put(index_.db().messages, Key{id_, uid}, ipc::encode(row));
  index_.txn().put(index_.db().changed, Key{id_, row.modseq, uid}, "");
}

Uid FolderEditor::add(MessageRow row, std::optional<Uid> wanted) {
  const Uid uid = wanted.value_or(row_.uid_next);
  if (uid < row_.uid_next || uid == UINT32_MAX) refuse(Failure::Code::failed, "UIDs are used up");
  row_.uid_next = uid + 1;
  row.modseq = next_modseq();
  put_message(uid, row);
  set_bit(SetKind::existing, uid, true);
  ++row_.exists;
  row_.octets += row.size;
  count_flags(uid, kSeen, row.flags);  // as if it had been neither unseen nor deleted before
  return uid;
}

void FolderEditor::change(Uid uid, MessageRow& row, Flags flags, KeywordMask keywords) {
  index_.txn().erase(index_.db().changed, Key{id_, row.modseq, uid});
  count_flags(uid, row.flags, flags);
  row.flags = flags;
  row.keywords = keywords;
  row.modseq = next_modseq();
  put_message(uid, row);
}

void FolderEditor::remove(Uid uid, const MessageRow& row) {
  index_.txn().erase(index_.db().messages, Key{id_, uid});
  index_.txn().erase(index_.db().changed, Key{id_, row.modseq, uid});
  if (row_.imported_uidls) erase_uidl(uid);
  count_flags(uid, row.flags, kSeen);
  set_bit(SetKind::existing, uid, false);
  --row_.exists;
  row_.octets -= row.size;
  expunged_.insert(uid);
  next_modseq();
}

namespace {

std::string uidl_owner_key(FolderId id, std::string_view uidl) { return std::string{Key{id}}.append(uidl); }

}  // namespace

bool FolderEditor::put_uidl(Uid uid, std::string_view uidl) {
  if (!index_.txn().insert(index_.db().uidl_owners, uidl_owner_key(id_, uidl), Key{uid})) return false;
  row_.imported_uidls = true;
  index_.txn().put(index_.db().uidls, Key{id_, uid}, uidl);
  return true;
}

void FolderEditor::erase_uidl(Uid uid) {
  const std::string uidl = index_.uidl(id_, uid);
  if (uidl.empty()) return;
  index_.txn().erase(index_.db().uidls, Key{id_, uid});
  index_.txn().erase(index_.db().uidl_owners, uidl_owner_key(id_, uidl));
}

KeywordMask FolderEditor::keyword_mask(const std::vector<std::string>& names, Unknown unknown) {
  KeywordMask mask = 0;
  for (const std::string& name : names) {
    const auto at =
        std::ranges::find_if(row_.keywords, [&](const auto& k) { return equals_ignoring_case(k, name); });
    if (at != row_.keywords.end()) {
      mask |= KeywordMask{1} << (at - row_.keywords.begin());
    } else if (unknown == Unknown::create) {
      if (!is_keyword(name)) refuse(Failure::Code::bad_name, "keyword");
      if (row_.keywords.size() == kMaxKeywords) refuse(Failure::Code::too_many_keywords, row_.name);
      mask |= KeywordMask{1} << row_.keywords.size();
      row_.keywords.push_back(name);
    }
  }
  return mask;
}

void FolderEditor::record_expunges() {
  if (expunged_.empty()) return;
  auto& txn = index_.txn();
  txn.put(index_.db().expunged, Key{id_, next_modseq()}, encode_expunges(expunged_));
  if (++row_.expunge_records <= kMaxExpungeRecords) return;
  lmdb::Cursor cursor{txn, index_.db().expunged};
  if (!cursor.seek(Key{id_, ModSeq{0}})) return;
  row_.forgotten = lmdb::parse_key<ModSeq>(cursor.key().substr(sizeof(FolderId)));
  cursor.erase();
  --row_.expunge_records;
}

void FolderEditor::finish() {
  for (const SetKind kind : kSetKinds) write_chunk(kind, chunks_[to_octet(kind)]);
  record_expunges();
  index_.put_folder(id_, row_);
}

// ---- expunges ----

std::string encode_expunges(const UidSet& uids) {
  ExpungeRow row;
  for (const UidRange& range : uids.ranges()) {
    row.bounds.push_back(range.first);
    row.bounds.push_back(range.last);
  }
  return ipc::encode(row);
}

void decode_expunges(std::string_view value, Uid uid_next, UidSet& uids) {
  const auto row = ipc::decode<ExpungeRow>(value);
  if (!row || row->bounds.size() % 2 != 0 || !std::ranges::is_sorted(row->bounds) ||
      (!row->bounds.empty() && row->bounds.back() >= uid_next))
    throw CorruptRow("row of expunged");
  for (std::size_t i = 0; i < row->bounds.size(); i += 2)
    uids.insert(UidRange{row->bounds[i], row->bounds[i + 1]});
}

}  // namespace mailroom::mailbox
