// The selected mailbox as its client knows it.
//
// Message numbers are ranks in view(), which changes only when the client is told (RFC 3501 section 7.4.1):
// what other sessions do is collected by look() and becomes visible by tell().  Nothing here costs more for a
// larger mailbox, but the changes that are told.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libcommon/protocol/imap/sequence_set.h"
#include "spool/mailbox/mailbox.h"

namespace mailroom::imapd {

// What the numbers of a command are.
enum class Numbers { messages, uids };
// Whether EXPUNGE responses may be sent (not while FETCH, STORE and SEARCH are answered: RFC 3501
// section 7.4.1).
enum class Expunges { told, held };
// Whether the client has enabled CONDSTORE, so that FETCH responses carry MODSEQ (RFC 7162 section 3.1).
enum class ModSequences { hidden, shown };

// Adds the members of `all` from `first` to `last`: at the cost of the members, however wide the range.
void add_members(mailbox::UidSet& into, const mailbox::UidSet& all, mailbox::Uid first, mailbox::Uid last);

class Selected {
 public:
  static mailbox::Result<Selected> open(mailbox::Mailbox& mail, mailbox::FolderId folder,
                                        mailbox::Access access);

  // The untagged responses of SELECT and EXAMINE.
  void announce(std::string& out) const;

  mailbox::FolderId folder() const { return folder_; }
  bool read_only() const { return access_ == mailbox::Access::examine; }
  const mailbox::UidSet& view() const { return view_; }
  bool is_recent(mailbox::Uid uid) const { return recent_.contains(uid); }
  // Whether some messages of the view are known to be gone.
  bool has_gone() const { return !gone_.empty(); }

  // The UIDs of a command's set.  Message numbers which do not exist are an error (RFC 3501 section 9:
  // seq-number), UIDs which do not are passed over.
  std::optional<mailbox::UidSet> targets(const imap::SequenceSet& set, Numbers numbers) const;

  // "(\Seen $Junk)".  The client then knows the message's flags.
  void append_flags(std::string& out, const mailbox::Message& message);
  // The client knows these flags without being told: it has set them itself.
  void knows(const mailbox::Message& message);
  // Of a message with a greater modification sequence the client may not know all flags.
  mailbox::ModSeq known_until() const { return modseq_; }

  std::optional<unsigned> keyword_bit(std::string_view keyword) const;
  // Tells of keywords that have appeared since, before a message with them is shown.
  mailbox::Result<void> learn_keywords(mailbox::Mailbox& mail, mailbox::KeywordMask mask, std::string& out);

  // Collects what has happened since the last look.  Failure::no_such_folder: the mailbox was deleted.
  mailbox::Result<void> look(mailbox::Mailbox& mail);
  // Tells what was collected.
  void tell(Expunges expunges, ModSequences mod_sequences, std::string& out);

 private:
  Selected(mailbox::Selection selection, mailbox::Access access);

  void collect(const mailbox::Changes& changes);
  mailbox::Result<void> collect_all(mailbox::Mailbox& mail);
  void arrive(mailbox::Uid uid);
  void announce_flags(std::string& out) const;
  void tell_expunges(std::string& out);
  void tell_flags(const mailbox::Message& message, ModSequences mod_sequences, std::string& out);

  mailbox::FolderId folder_;
  mailbox::Access access_;
  std::uint32_t uid_validity_;
  mailbox::Uid uid_next_;
  mailbox::ModSeq modseq_;
  std::vector<std::string> keywords_;
  mailbox::UidSet view_;
  mailbox::UidSet recent_;
  std::optional<mailbox::Uid> first_unseen_;

  std::optional<std::uint64_t> generation_;                  // of the last look
  std::unordered_map<mailbox::Uid, mailbox::ModSeq> known_;  // rows newer than modseq_ that need not be told
  std::vector<mailbox::Uid> arrived_;                        // in the view, not told
  mailbox::UidSet gone_;                                     // in the view, no longer in the store
  std::vector<mailbox::Message> changed_;                    // flags, not told
  bool keywords_changed_ = false;
};

}  // namespace mailroom::imapd
