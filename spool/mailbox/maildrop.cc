// POP3's view of INBOX.
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>

#include "spool/mailbox/state.h"
#include "spool/mailbox/uidl.h"

namespace mailroom::mailbox {

std::string format_uidl(std::uint32_t uid_validity, Uid uid) {
  return fmt::format("{}.{}", uid_validity, uid);
}

bool is_importable_uidl(std::string_view uidl, std::uint32_t uid_validity) {
  const bool visible = std::ranges::all_of(uidl, [](char c) { return c >= 0x21 && c <= 0x7E; });
  return visible && !uidl.empty() && uidl.size() <= kMaxUidl &&
         !uidl.starts_with(fmt::format("{}.", uid_validity));
}

Result<MaildropLock> Mailbox::lock_maildrop() {
  return guarded([&] {
    Fd fd = open_writable(state_->index_dir.get(), "maildrop");
    if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return MaildropLock{std::move(fd)};
    if (errno != EWOULDBLOCK) throw SystemError(errno, "flock");
    refuse(Failure::Code::in_use, "maildrop");
  });
}

Result<std::vector<MaildropEntry>> Mailbox::maildrop() {
  return guarded([&] {
    auto txn = state_->env.read();
    const Index index = state_->index(txn);
    const FolderRow folder = require_folder(index, kInbox);
    std::vector<MaildropEntry> entries;
    entries.reserve(folder.exists);
    for_prefix(index, index.db().messages, Key{kInbox}, [&](std::string_view key, std::string_view value) {
      const auto row = ipc::decode<MessageRow>(value);
      if (!row) throw CorruptRow("row of messages");
      const Uid uid = lmdb::parse_key<Uid>(key.substr(sizeof(FolderId)));
      std::string uidl = folder.imported_uidls ? index.uidl(kInbox, uid) : std::string{};
      if (uidl.empty()) uidl = format_uidl(folder.uid_validity, uid);
      entries.push_back({uid, row->file, row->size, std::move(uidl)});
      return true;
    });
    return entries;
  });
}

}  // namespace mailroom::mailbox
