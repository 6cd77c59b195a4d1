// What the imports share: folders made or adopted, messages appended in batches.
#pragma once

#include <string>
#include <vector>

#include "spool/mailbox/transfer/import.h"

namespace mailroom::mailbox {

struct IncomingMessage {
  std::string content;  // wire form
  std::int64_t date = 0;
  Flags flags = 0;
  std::vector<std::string> keywords;
  std::optional<Uid> uid;
  std::string uidl;
};

// Messages for one folder, which is made if it is missing.  Throws Refusal.
class FolderImport {
 public:
  FolderImport(Mailbox& mailbox, const std::string& folder, Imported& result);

  // Gives a folder that was never used the source's UIDVALIDITY, and lets messages keep their UIDs; does
  // nothing with any other folder.  `uid_next` is the least UID that the source never gave out.
  void adopt_numbers(std::uint32_t uid_validity, Uid uid_next);
  // In ascending order of UID, those without one last: they get UIDs that the source never gave out.
  void add(IncomingMessage message);
  // Nothing is added afterwards.
  void finish();

 private:
  void append_batch();
  bool can_keep(const std::string& keyword);
  Mailbox& mailbox_;
  Imported& result_;
  FolderId folder_ = 0;
  std::vector<NewMessage> batch_;
  std::uint64_t batch_octets_ = 0;
  std::vector<std::string> keywords_;  // the folder's
  bool adopted_ = false;
  Uid uid_next_ = 1;
};

}  // namespace mailroom::mailbox
