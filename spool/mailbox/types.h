// The values that the mailbox library takes and gives.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spool/mailbox/uid_set.h"

namespace mailroom::mailbox {

using FolderId = std::uint32_t;  // of one folder for ever; renaming keeps it, deleting retires it
using FileId = std::uint64_t;    // of one message file in one account for ever, shared by all copies of it
using ModSeq = std::uint64_t;    // RFC 7162; of one folder; below 2^63

inline constexpr FolderId kInbox = 1;
inline constexpr char kDelimiter = '/';

// What stands in the way of an expected outcome.  `text` is for the log, not for clients: it may name files.
struct Failure {
  enum class Code : std::uint8_t {
    no_such_folder,
    folder_exists,
    bad_name,     // against the rules of folder_name.h
    not_allowed,  // INBOX deleted, a folder renamed below itself
    no_such_message,
    too_many_keywords,  // more than kMaxKeywords in a folder
    too_many_folders,
    no_space,       // disk, quota or index map is full: nothing was changed; NO [OVERQUOTA] or [LIMIT]
    damaged,        // the message file is missing or is not what its name says
    in_use,         // another process holds the POP3 lock or, for a rebuild, the mailbox
    corrupt_index,  // the index contradicts itself: see Mailbox::condemn_index, mr-mailbox rebuild
    stale_index,    // a write failed halfway: nothing works until the mailbox is opened again, and then all
                    // does
    failed,         // input/output and everything else: NO [SERVERBUG]; durability is in doubt
  };
  Code code = Code::failed;
  std::string text;
};

template <typename T>
using Result = std::expected<T, Failure>;

// System flags, as a bit mask.  \Recent is not one of them: see Mailbox::claim_recent.
using Flags = std::uint8_t;
inline constexpr Flags kAnswered = 1;
inline constexpr Flags kFlagged = 2;
inline constexpr Flags kDeleted = 4;
inline constexpr Flags kSeen = 8;
inline constexpr Flags kDraft = 16;
inline constexpr Flags kAllFlags = 31;

// Bit i stands for Folder::keywords[i].
using KeywordMask = std::uint64_t;
inline constexpr std::size_t kMaxKeywords = 64;
inline constexpr std::size_t kMaxKeywordLength = 100;
inline constexpr std::size_t kMaxFolders = 10000;

// RFC 6154.  At most one for a folder, at most one folder for each.
enum class SpecialUse : std::uint8_t {
  none,
  all,
  archive,
  drafts,
  flagged,
  junk,
  sent,
  trash,
  kLast = trash
};

struct Message {
  Uid uid = 0;
  Flags flags = 0;
  KeywordMask keywords = 0;
  FileId file = 0;
  ModSeq modseq = 0;
  std::int64_t internal_date = 0;  // seconds since 1970, UTC
  std::int64_t save_date = 0;      // RFC 8514: when it came into this folder
  std::uint64_t size = 0;          // octets of the file: RFC822.SIZE and POP3's size
  bool operator==(const Message&) const = default;
};

struct Folder {
  FolderId id = 0;
  std::string name;
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  ModSeq highest_modseq = 1;
  std::uint32_t exists = 0;
  std::uint32_t unseen = 0;
  std::uint32_t deleted = 0;
  std::uint32_t recent = 0;  // messages that no session has claimed yet
  std::uint64_t octets = 0;  // sum of the sizes
  SpecialUse use = SpecialUse::none;
  std::vector<std::string> keywords;  // spelled as first given; compared without case
};

// One name of the hierarchy.  A name exists when a folder has it or a folder lies below it.
struct ListEntry {
  std::string name;
  FolderId folder = 0;  // 0: \Noselect
  bool has_children = false;
  bool subscribed = false;
  SpecialUse use = SpecialUse::none;
};

struct FlagChange {
  enum class How : std::uint8_t { add, remove, replace };
  How how = How::add;
  Flags flags = 0;
  std::vector<std::string> keywords;
  std::optional<ModSeq> unchanged_since;  // RFC 7162 3.1.3
};

struct Stored {
  std::vector<Message>
      messages;     // all addressed messages that exist and passed UNCHANGEDSINCE, after the change
  UidSet modified;  // failed UNCHANGEDSINCE
  ModSeq highest_modseq = 0;
};

struct Selection {
  Folder folder;
  UidSet uids;
  std::optional<Uid> first_unseen;
  Uid first_recent = 0;  // UIDs from here on are \Recent for this session (all below uid_next, if claimed)
};

// What happened in a folder after a modification sequence.
struct Changes {
  Folder folder;                  // as of now
  std::vector<Message> messages;  // new or changed, by UID
  UidSet expunged;
  // False when `since` is older than the record of expunges: `expunged` is then empty; compare UID sets
  // instead.
  bool complete = true;
};

struct Copied {
  std::uint32_t uid_validity = 0;         // of the destination (RFC 4315 COPYUID)
  std::vector<std::pair<Uid, Uid>> uids;  // source, destination; ascending
};

struct Appended {
  std::uint32_t uid_validity = 0;
  std::vector<Uid> uids;
};

// Result of taking in new/.
struct Intake {
  std::uint32_t taken = 0;
  std::uint32_t repeated = 0;  // deliveries known already, dropped
  std::uint32_t left = 0;      // not what their names say, or not files; left for redelivery
};

struct MaildropEntry {
  Uid uid = 0;
  FileId file = 0;
  std::uint64_t size = 0;
  std::string uidl;  // RFC 1939 7: 1 to 70 of 0x21-0x7E, unique in the maildrop
};

struct Usage {
  std::uint64_t files = 0;
  std::uint64_t octets = 0;
};

// What came back of a lost index.
struct Rebuilt {
  std::uint64_t from_snapshot = 0;  // rows whose folder, UID and flags were kept
  std::uint64_t adopted = 0;        // files that no snapshot knew: now in INBOX
  std::uint64_t missing = 0;        // rows of the snapshot whose file is gone
  bool snapshot_used = false;
};

}  // namespace mailroom::mailbox
