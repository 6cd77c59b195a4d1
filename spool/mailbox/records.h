// The values of the index's rows (format.md has their keys), and the records of a snapshot.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "libcommon/ipc/codec.h"
#include "spool/mailbox/file_name.h"
#include "spool/mailbox/types.h"

namespace mailroom::mailbox {

inline constexpr std::uint32_t kIndexVersion = 1;

// The one row of `meta`.  Its absence means that the index is new or lost.
struct MetaRow {
  std::uint32_t version = kIndexVersion;
  FolderId next_folder = kInbox;
  FileId next_file = 1;
  std::uint64_t files = 0;
  std::uint64_t octets = 0;
  std::uint32_t last_uid_validity = 0;
  std::uint32_t reserved = 0;
  static auto fields(auto& m) {
    return std::tie(m.version, m.next_folder, m.next_file, m.files, m.octets, m.last_uid_validity,
                    m.reserved);
  }
  bool operator==(const MetaRow&) const = default;
};

struct FolderRow {
  std::string name;
  std::vector<std::string> keywords;
  ModSeq highest_modseq = 1;
  ModSeq forgotten = 1;  // expunges up to this sequence are no longer on record
  std::uint64_t octets = 0;
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  Uid recent_from = 1;  // no session has claimed the messages from here on
  std::uint32_t exists = 0;
  std::uint32_t unseen = 0;
  std::uint32_t deleted = 0;
  std::uint32_t expunge_records = 0;
  SpecialUse use = SpecialUse::none;
  bool imported_uidls = false;  // some messages have a row in `uidls`
  static auto fields(auto& m) {
    return std::tie(m.name, m.keywords, m.highest_modseq, m.forgotten, m.octets, m.uid_validity, m.uid_next,
                    m.recent_from, m.exists, m.unseen, m.deleted, m.expunge_records, m.use, m.imported_uidls);
  }
  bool operator==(const FolderRow&) const = default;
};

struct MessageRow {
  FileId file = 0;
  KeywordMask keywords = 0;
  ModSeq modseq = 0;
  std::int64_t internal_date = 0;
  std::int64_t save_date = 0;
  std::uint64_t size = 0;
  Flags flags = 0;
  static auto fields(auto& m) {
    return std::tie(m.file, m.keywords, m.modseq, m.internal_date, m.save_date, m.size, m.flags);
  }
  bool operator==(const MessageRow&) const = default;
};

struct FileRow {
  std::string id;
  std::uint64_t length = 0;
  std::uint32_t checksum = 0;
  std::uint32_t references = 0;
  static auto fields(auto& m) { return std::tie(m.id, m.length, m.checksum, m.references); }
  FileName name() const { return {id, length, checksum}; }
  bool operator==(const FileRow&) const = default;
};

// Ascending pairs of first and last, as UidSet::ranges().
struct ExpungeRow {
  std::vector<std::uint32_t> bounds;
  static auto fields(auto& m) { return std::tie(m.bounds); }
  bool operator==(const ExpungeRow&) const = default;
};

// ---- the snapshot ----

struct SnapshotBegin {
  std::uint32_t version = kIndexVersion;
  std::uint32_t last_uid_validity = 0;
  std::int64_t written = 0;  // seconds since 1970
  FolderId next_folder = 0;
  std::uint32_t reserved = 0;
  static auto fields(auto& m) {
    return std::tie(m.version, m.last_uid_validity, m.written, m.next_folder, m.reserved);
  }
  bool operator==(const SnapshotBegin&) const = default;
};

struct SnapshotFolder {
  FolderRow row;
  std::uint64_t id = 0;
  static auto fields(auto& m) { return std::tie(m.row, m.id); }
  bool operator==(const SnapshotFolder&) const = default;
};

// A message of the folder that came last.
struct SnapshotMessage {
  std::string file;  // its name in cur/
  std::string uidl;
  MessageRow row;  // `file` is not meaningful here
  std::uint64_t uid = 0;
  static auto fields(auto& m) { return std::tie(m.file, m.uidl, m.row, m.uid); }
  bool operator==(const SnapshotMessage&) const = default;
};

struct SnapshotSubscription {
  std::string name;
  static auto fields(auto& m) { return std::tie(m.name); }
  bool operator==(const SnapshotSubscription&) const = default;
};

struct SnapshotTombstone {
  std::string id;
  std::int64_t expires = 0;
  static auto fields(auto& m) { return std::tie(m.id, m.expires); }
  bool operator==(const SnapshotTombstone&) const = default;
};

// The last one: how many there were before it.
struct SnapshotEnd {
  std::uint64_t records = 0;
  static auto fields(auto& m) { return std::tie(m.records); }
  bool operator==(const SnapshotEnd&) const = default;
};

using SnapshotRecord = std::variant<SnapshotBegin, SnapshotFolder, SnapshotMessage, SnapshotSubscription,
                                    SnapshotTombstone, SnapshotEnd>;

}  // namespace mailroom::mailbox
