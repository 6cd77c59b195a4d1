#include "spool/mailbox/transfer/importer.h"

#include <algorithm>

#include "libcommon/text/ascii.h"
#include "spool/mailbox/folder_name.h"
#include "spool/mailbox/state.h"

namespace mailroom::mailbox {
namespace {

// Appended in one transaction: a commit costs as much as some dozen messages.
constexpr std::size_t kBatchMessages = 200;
constexpr std::uint64_t kBatchOctets = 32 << 20;

FolderId find_or_create(Mailbox& mailbox, const std::string& folder) {
  auto found = mailbox.find(folder);
  if (!found && found.error().code == Failure::Code::no_such_folder) found = mailbox.create(folder);
  return value_of(std::move(found));
}

}  // namespace

FolderImport::FolderImport(Mailbox& mailbox, const std::string& folder, Imported& result)
    : mailbox_{mailbox}, result_{result}, folder_{find_or_create(mailbox, folder)} {
  ++result_.folders;
  keywords_ = value_of(mailbox.folder(folder_)).keywords;
}

// Not what is no keyword, nor more than a folder may have.
bool FolderImport::can_keep(const std::string& keyword) {
  if (std::ranges::any_of(keywords_, [&](const auto& k) { return equals_ignoring_case(k, keyword); }))
    return true;
  if (keywords_.size() == kMaxKeywords || !is_keyword(keyword)) return false;
  keywords_.push_back(keyword);
  return true;
}

void FolderImport::adopt_numbers(std::uint32_t uid_validity, Uid uid_next) {
  Change change{mailbox_.state()};
  FolderRow& row = change.folder(folder_).row();
  if (row.uid_next != 1 || row.exists != 0 || uid_validity == 0) return;
  row.uid_validity = uid_validity;
  change.meta().last_uid_validity = std::max(change.meta().last_uid_validity, uid_validity);
  change.commit();
  adopted_ = true;
  uid_next_ = uid_next;
}

void FolderImport::add(IncomingMessage message) {
  auto staged = value_of(mailbox_.stage());
  value_of(staged.write(message.content));
  batch_octets_ += message.content.size();
  std::erase_if(message.keywords, [this](const std::string& keyword) { return !can_keep(keyword); });
  batch_.push_back({.staged = std::move(staged),
                    .flags = message.flags,
                    .keywords = std::move(message.keywords),
                    .internal_date = message.date,
                    .uid = adopted_ ? std::optional{message.uid.value_or(uid_next_)} : std::nullopt,
                    .uidl = std::move(message.uidl)});
  if (batch_.size() >= kBatchMessages || batch_octets_ >= kBatchOctets) append_batch();
}

void FolderImport::append_batch() {
  if (batch_.empty()) return;
  const std::size_t count = batch_.size();
  value_of(mailbox_.append(folder_, std::exchange(batch_, {})));
  result_.messages += count;
  result_.octets += std::exchange(batch_octets_, 0);
}

void FolderImport::finish() {
  append_batch();
  if (!adopted_ || uid_next_ >= kImportedUidEnd) return;
  Change change{mailbox_.state()};
  FolderRow& row = change.folder(folder_).row();
  row.uid_next = std::max(row.uid_next, uid_next_);
  change.commit();
}

}  // namespace mailroom::mailbox
