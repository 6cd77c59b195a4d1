#include "daemons/imapd/selected.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "libcommon/text/ascii.h"

namespace mailroom::imapd {

using mailbox::Uid;
using mailbox::UidSet;

namespace {

constexpr std::array<std::pair<mailbox::Flags, std::string_view>, 5> kSystemFlags{{
    {mailbox::kAnswered, "\\Answered"},
    {mailbox::kFlagged, "\\Flagged"},
    {mailbox::kDeleted, "\\Deleted"},
    {mailbox::kSeen, "\\Seen"},
    {mailbox::kDraft, "\\Draft"},
}};
constexpr std::string_view kAllSystemFlags = "\\Answered \\Flagged \\Deleted \\Seen \\Draft";

template <typename... Args>
void line(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
  out += "\r\n";
}

}  // namespace

void add_members(UidSet& into, const UidSet& all, Uid first, Uid last) {
  for (auto uid = all.at_or_after(first); uid && *uid <= last; uid = all.at_or_after(*uid + 1)) {
    into.insert(*uid);
    if (*uid == UINT32_MAX) return;
  }
}

mailbox::Result<Selected> Selected::open(mailbox::Mailbox& mail, mailbox::FolderId folder,
                                         mailbox::Access access) {
  auto selection = mail.select(folder, access);
  if (!selection) return std::unexpected(std::move(selection.error()));
  return Selected{std::move(*selection), access};
}

Selected::Selected(mailbox::Selection selection, mailbox::Access access)
    : folder_{selection.folder.id}, access_{access}, uid_validity_{selection.folder.uid_validity},
      uid_next_{selection.folder.uid_next}, modseq_{selection.folder.highest_modseq},
      keywords_{std::move(selection.folder.keywords)}, view_{std::move(selection.uids)},
      first_unseen_{selection.first_unseen} {
  add_members(recent_, view_, selection.first_recent, UINT32_MAX);
}

void Selected::announce_flags(std::string& out) const {
  std::string flags{kAllSystemFlags};
  for (const std::string& keyword : keywords_) flags.append(1, ' ').append(keyword);
  line(out, "* FLAGS ({})", flags);
  if (read_only()) {
    line(out, "* OK [PERMANENTFLAGS ()] Read-only mailbox");
  } else {
    const std::string_view more = keywords_.size() < mailbox::kMaxKeywords ? " \\*" : "";
    line(out, "* OK [PERMANENTFLAGS ({}{})] Flags permitted", flags, more);
  }
}

void Selected::announce(std::string& out) const {
  announce_flags(out);
  line(out, "* {} EXISTS", view_.size());
  line(out, "* {} RECENT", recent_.size());
  const auto unseen = first_unseen_ ? view_.number_of(*first_unseen_) : std::nullopt;
  if (unseen) line(out, "* OK [UNSEEN {}] First unseen message", *unseen);
  line(out, "* OK [UIDVALIDITY {}] UIDs valid", uid_validity_);
  line(out, "* OK [UIDNEXT {}] Predicted next UID", uid_next_);
  line(out, "* OK [HIGHESTMODSEQ {}] Highest", modseq_);
}

std::optional<UidSet> Selected::targets(const imap::SequenceSet& set, Numbers numbers) const {
  const std::uint32_t largest = numbers == Numbers::uids ? view_.last().value_or(0) : view_.size();
  UidSet uids;
  for (const imap::NumberRange& range : set.resolve(largest)) {
    if (numbers == Numbers::uids) {
      add_members(uids, view_, range.first, range.last);
      continue;
    }
    const auto first = view_.nth(range.first);
    const auto last = view_.nth(range.last);
    if (!first || !last) return std::nullopt;
    add_members(uids, view_, *first, *last);
  }
  if (numbers == Numbers::messages && uids.empty()) return std::nullopt;  // "*" in an empty mailbox
  return uids;
}

void Selected::knows(const mailbox::Message& message) {
  if (message.modseq > modseq_) known_[message.uid] = message.modseq;
}

void Selected::append_flags(std::string& out, const mailbox::Message& message) {
  knows(message);
  out += '(';
  const std::size_t start = out.size();
  const auto add = [&](std::string_view flag) {
    if (out.size() > start) out += ' ';
    out += flag;
  };
  for (const auto& [flag, name] : kSystemFlags) {
    if ((message.flags & flag) != 0) add(name);
  }
  if (is_recent(message.uid)) add("\\Recent");
  for (std::size_t bit = 0; bit < keywords_.size(); ++bit) {
    if ((message.keywords >> bit & 1) != 0) add(keywords_[bit]);
  }
  out += ')';
}

std::optional<unsigned> Selected::keyword_bit(std::string_view keyword) const {
  for (std::size_t bit = 0; bit < keywords_.size(); ++bit) {
    if (equals_ignoring_case(keywords_[bit], keyword)) return static_cast<unsigned>(bit);
  }
  return std::nullopt;
}

mailbox::Result<void> Selected::learn_keywords(mailbox::Mailbox& mail, mailbox::KeywordMask mask,
                                               std::string& out) {
  if (keywords_.size() >= mailbox::kMaxKeywords || mask >> keywords_.size() == 0) return {};
  auto folder = mail.folder(folder_);
  if (!folder) return std::unexpected(std::move(folder.error()));
  keywords_ = std::move(folder->keywords);
  announce_flags(out);
  return {};
}

void Selected::arrive(Uid uid) {
  view_.insert(uid);
  arrived_.push_back(uid);
}

void Selected::collect(const mailbox::Changes& changes) {
  for (const mailbox::Message& message : changes.messages) {
    if (message.uid >= uid_next_) {
      arrive(message.uid);
      continue;
    }
    const auto known = known_.find(message.uid);
    const bool news = known == known_.end() || known->second != message.modseq;
    if (news && view_.contains(message.uid)) changed_.push_back(message);
  }
  changes.expunged.for_each([&](Uid uid) {
    if (view_.contains(uid)) gone_.insert(uid);
  });
}

// When the record of expunges does not reach back far enough.
mailbox::Result<void> Selected::collect_all(mailbox::Mailbox& mail) {
  auto now = mail.uids(folder_);
  if (!now) return std::unexpected(std::move(now.error()));
  gone_ = view_.difference(*now);
  return {};
}

mailbox::Result<void> Selected::look(mailbox::Mailbox& mail) {
  const std::uint64_t generation = mail.generation();
  if (generation_ == generation) return {};
  auto changes = mail.changes_since(folder_, modseq_);
  if (!changes) return std::unexpected(std::move(changes.error()));
  collect(*changes);
  if (!changes->complete) {
    if (auto all = collect_all(mail); !all) return all;
  }
  known_.clear();
  modseq_ = changes->folder.highest_modseq;
  uid_next_ = changes->folder.uid_next;
  keywords_changed_ = keywords_changed_ || keywords_.size() != changes->folder.keywords.size();
  keywords_ = std::move(changes->folder.keywords);
  generation_ = generation;
  if (arrived_.empty()) return {};
  Uid first_recent = arrived_.front();
  if (!read_only()) {
    const auto claimed = mail.claim_recent(folder_);
    if (!claimed) return std::unexpected(claimed.error());
    first_recent = *claimed;
  }
  for (const Uid uid : arrived_) {
    if (uid >= first_recent) recent_.insert(uid);
  }
  return {};
}

void Selected::tell_expunges(std::string& out) {
  gone_.for_each([&](Uid uid) {
    if (const auto number = view_.number_of(uid)) line(out, "* {} EXPUNGE", *number);
    view_.erase(uid);
    recent_.erase(uid);
  });
  gone_ = {};
}

void Selected::tell_flags(const mailbox::Message& message, ModSequences mod_sequences, std::string& out) {
  const auto number = view_.number_of(message.uid);
  if (!number) return;
  fmt::format_to(std::back_inserter(out), "* {} FETCH (FLAGS ", *number);
  append_flags(out, message);
  if (mod_sequences == ModSequences::shown) {
    fmt::format_to(std::back_inserter(out), " MODSEQ ({})", message.modseq);
  }
  out += ")\r\n";
}

void Selected::tell(Expunges expunges, ModSequences mod_sequences, std::string& out) {
  if (expunges == Expunges::told) tell_expunges(out);
  if (!arrived_.empty()) {
    line(out, "* {} EXISTS", view_.size());
    line(out, "* {} RECENT", recent_.size());
    arrived_.clear();
  }
  if (keywords_changed_) announce_flags(out);
  keywords_changed_ = false;
  for (const mailbox::Message& message : changed_) tell_flags(message, mod_sequences, out);
  changed_.clear();
}

}  // namespace mailroom::imapd
