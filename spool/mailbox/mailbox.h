// One account's mail: immutable message files and an index.  format.md has what is on disk.
//
// Called by imapd and pop3d sessions and mr-mailbox, always as the account's own uid, one Mailbox for each
// process, opened after fork.  Any number of processes may have the same account open; every call sees all
// committed changes.
//
// - What changes something is on disk before the call returns, whole or not at all.  After a Failure nothing
// was changed.
// - Nothing blocks on anything but the disk and, for a moment, another session's commit.  No call holds a
// lock or a
//   read transaction after it returned, so a session may wait for its client as long as it likes.
// - Nothing below the account's directory is trusted: links, pipes, directories and files of a wrong length
// or owner in
//   new/ and cur/ are never followed, opened for long, or waited for.
// - Nothing throws but std::bad_alloc.
//
// Message numbers are not kept here: a session keeps the UidSet of its Selection, adds and removes UIDs as it
// tells its client, and translates with UidSet::nth and number_of.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spool/mailbox/file_name.h"
#include "spool/mailbox/message_file.h"
#include "spool/mailbox/types.h"
#include "spool/mailbox/uid_set.h"
#include "spool/mailbox/watch.h"

namespace mailroom::mailbox {

// Envelope and body structure of a message as octets that only the caller understands.  Must not throw.
using Summarise = std::function<std::string(std::string_view message)>;

struct Options {
  // The account's directory: "/" after chroot, or a path of which no component can be changed by another uid.
  std::string path = "/";
  // Computes what summary() caches.  Change summary_version whenever the function's result changes.
  Summarise summarise;
  std::uint32_t summary_version = 1;
  // How long the id of an expunged delivery is remembered: at least as long as queued may deliver it again.
  std::int64_t tombstone_seconds = std::int64_t{14} * 24 * 3600;
  // Sparse and fixed; counts against RLIMIT_AS.
  std::uint64_t map_size = std::uint64_t{16} << 30;
  // maintain() writes a new snapshot of the index when the last is older and something changed.
  std::int64_t snapshot_seconds = 24 * 3600;
  // The index is so broken that nothing can go on, and has been condemned: should end the process, which is
  // aborted otherwise.
  std::function<void(std::string_view what)> on_broken_index;
};

// A message that is being appended: written to tmp/, moved to cur/ by Mailbox::append.  Removed when it is
// destroyed before.  Must not outlive its Mailbox.
class Staged {
 public:
  Staged(Staged&&) noexcept;
  Staged& operator=(Staged&&) noexcept;
  ~Staged();

  // Octets in wire form (CRLF), in any portions.
  Result<void> write(std::string_view octets);
  // On disk when it returns; no more writes.  append() calls it when the caller did not.
  Result<void> finish();
  std::uint64_t size() const;

  struct State;

 private:
  friend class Mailbox;
  explicit Staged(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct NewMessage {
  Staged staged;
  Flags flags = 0;
  std::vector<std::string> keywords;
  std::int64_t internal_date = 0;
  // Import only: kept when it is uid_next or greater, and below 2^31; else the next UID is given.
  std::optional<Uid> uid;
  // Import only: kept when it is a valid UIDL that no other message of the folder has or will be given.
  std::string uidl;
};

// While it lives no other process gets one for this account.
class MaildropLock {
 public:
  explicit MaildropLock(Fd fd) : fd_{std::move(fd)} {}

 private:
  Fd fd_;
};

// Why a session opens a folder.
enum class Access : std::uint8_t { read_write, examine };

class Mailbox {
 public:
  // Makes what is missing of new/, cur/, tmp/ and index/.  A lost index is rebuilt (see rebuild.h) from its
  // last snapshot and the files; an index that LMDB refuses is set aside first, when no other process has it
  // open.
  static Result<Mailbox> open(Options options);

  Mailbox(Mailbox&&) noexcept;
  Mailbox& operator=(Mailbox&&) noexcept;
  ~Mailbox();

  // After a failure with corrupt_index: whoever is the next to open the mailbox, and has it alone, sets the
  // index aside.
  void condemn_index() const noexcept;

  // What open() has rebuilt; nothing when the index was there, or the account is new.
  const std::optional<Rebuilt>& rebuilt() const;

  // ---- deliveries ----

  // Takes into INBOX what deliverd dropped in new/, in one transaction.  Costs one system call when nothing
  // came. Call at SELECT, at login of POP3, at NOOP, IDLE and STATUS of INBOX, and when the Watch signals.
  Result<Intake> take_in();

  // A signal for poll(); any number may be made.
  Watch watch() const;

  // Equal numbers mean that nothing was committed between; costs no system call.
  std::uint64_t generation() const;

  // ---- folders ----
  // Names are UTF-8 with '/' between levels, by the rules of folder_name.h; INBOX in any case is INBOX.

  // Every name, in the order of octets, INBOX first; matching patterns is the caller's.
  Result<std::vector<ListEntry>> list();
  // Subscribed names, also those that do not exist (any more).
  Result<std::vector<std::string>> subscriptions();
  Result<void> subscribe(std::string_view name);
  Result<void> unsubscribe(std::string_view name);

  // Makes also the levels above that are missing (RFC 3501 6.3.3).  A trailing '/' is allowed and means
  // nothing.
  Result<FolderId> create(std::string_view name, SpecialUse use = SpecialUse::none);
  // The folder's messages go; the folders below stay (RFC 3501 6.3.4).
  Result<void> remove_folder(std::string_view name);
  // Takes along the folders below.  Renaming INBOX moves its messages to a new folder and leaves INBOX empty,
  // and the folders below it where they are (RFC 3501 6.3.5).
  Result<void> rename(std::string_view from, std::string_view to);
  Result<void> set_special_use(std::string_view name, SpecialUse use);

  Result<FolderId> find(std::string_view name);
  // Counts and numbers: STATUS.  The cost does not depend on the number of messages.
  Result<Folder> folder(FolderId id);

  // ---- a session on one folder ----

  // For SELECT and EXAMINE.  read_write claims \Recent for this session.  Reads some 13 KiB for 100,000
  // messages.
  Result<Selection> select(FolderId id, Access access);

  // The first UID from which on messages are \Recent for the caller from now on and for no later session;
  // uid_next when there are none.  Commits only when there are some.  Call when a read-write session notices
  // arrivals.
  Result<Uid> claim_recent(FolderId id);

  // What changed after `since` (the highest_modseq of the last Selection, Changes or Stored).  The cost is
  // that of the changes.
  Result<Changes> changes_since(FolderId id, ModSeq since);

  // Up to `limit` messages of the range in ascending order; begin the next batch after the last one's UID.
  Result<std::vector<Message>> messages(FolderId id, UidRange range, std::size_t limit = 1024);
  // Those of `uids` that exist, ascending.  Hand over batches: all are held in memory.
  Result<std::vector<Message>> messages(FolderId id, const UidSet& uids);
  Result<Message> message(FolderId id, Uid uid);
  Result<UidSet> uids(FolderId id);
  // Messages without \Seen, and with \Deleted, without reading rows.
  Result<UidSet> unseen(FolderId id);
  Result<UidSet> deleted(FolderId id);

  // The cached summary; when there is none it is computed from the file, and written to the index together
  // with others later (flush_summaries, the next change, or the end): a summary that is lost is computed
  // again.
  Result<std::string> summary(FileId file);
  Result<void> flush_summaries();

  Result<MessageFile> open_file(FileId file);

  // ---- changes ----

  Result<Staged> stage();
  // All or none (RFC 3502).
  Result<Appended> append(FolderId id, std::vector<NewMessage> messages);
  // UIDs that do not exist are passed over.
  Result<Copied> copy(FolderId from, const UidSet& uids, FolderId to);
  Result<Copied> move(FolderId from, const UidSet& uids, FolderId to);
  Result<Stored> store(FolderId id, const UidSet& uids, const FlagChange& change);
  // Removes the messages with \Deleted, if `only` is given of those only its members (UID EXPUNGE); says
  // which.
  Result<UidSet> expunge(FolderId id, const UidSet* only = nullptr);
  // Removes messages whatever their flags (POP3's QUIT); says which there were.
  Result<UidSet> remove(FolderId id, const UidSet& uids);

  // ---- POP3: INBOX only ----

  // Failure::in_use when another process has it (RFC 1939 4; [IN-USE]).
  Result<MaildropLock> lock_maildrop();
  // INBOX by UID.  Message numbers are positions in it.
  Result<std::vector<MaildropEntry>> maildrop();

  // ---- upkeep ----

  Result<Usage> usage();

  // For the end of a session, when nobody waits: writes summaries, a snapshot if it is time, and removes what
  // crashes left behind.
  Result<void> maintain();
  // Now, whatever the time.
  Result<void> write_snapshot();

  struct State;
  // For the other parts of this library.
  State& state() { return *state_; }

 private:
  explicit Mailbox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mailroom::mailbox
