#include "daemons/pop3d/mailbox_maildrop.h"

#include <utility>

namespace mailroom::pop3d {

MaildropFault MailboxMaildrop::fault_of(const mailbox::Failure& failure) {
  using Code = mailbox::Failure::Code;
  if (failure.code == Code::in_use) return MaildropFault::in_use;
  if (failure.code == Code::no_such_message) return MaildropFault::gone;
  on_failure_(failure);
  const bool permanent = failure.code == Code::corrupt_index || failure.code == Code::damaged;
  return permanent ? MaildropFault::permanent : MaildropFault::temporary;
}

std::expected<void, MaildropFault> MailboxMaildrop::open() {
  auto lock = mail_.lock_maildrop();
  if (!lock) return std::unexpected(fault_of(lock.error()));
  lock_ = std::move(*lock);
  if (auto taken = mail_.take_in(); !taken) return std::unexpected(fault_of(taken.error()));
  auto entries = mail_.maildrop();
  if (!entries) return std::unexpected(fault_of(entries.error()));
  entries_ = std::move(*entries);
  messages_.reserve(entries_.size());
  for (mailbox::MaildropEntry& entry : entries_) messages_.push_back({entry.size, std::move(entry.uidl)});
  return {};
}

std::expected<std::string_view, MaildropFault> MailboxMaildrop::content(std::size_t index) {
  auto file = mail_.open_file(entries_[index].file);
  if (!file) return std::unexpected(fault_of(file.error()));
  file_ = std::move(*file);
  return file_->bytes();
}

std::expected<void, MaildropFault> MailboxMaildrop::remove(const std::vector<std::size_t>& indexes) {
  mailbox::UidSet uids;
  for (const std::size_t index : indexes) uids.insert(entries_[index].uid);
  auto removed = mail_.remove(mailbox::kInbox, uids);
  if (!removed) return std::unexpected(fault_of(removed.error()));
  return {};
}

}  // namespace mailroom::pop3d
