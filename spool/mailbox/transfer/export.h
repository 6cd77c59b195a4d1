// Handing mail out to other systems, with what import.h reads back.  Called by mr-mailbox as the account's
// uid.
#pragma once

#include <cstdint>
#include <string>

#include "spool/mailbox/mailbox.h"

namespace mailroom::mailbox {

struct Exported {
  std::uint64_t folders = 0;
  std::uint64_t messages = 0;
  std::vector<std::string> skipped;  // messages whose files are missing or damaged
};

// Into a directory that must not exist: a Maildir with its Maildir++ folders, dovecot-uidlist,
// dovecot-keywords and subscriptions.  A folder's keywords beyond 26, for which Maildir has no letters, are
// left out.
Result<Exported> export_maildir(Mailbox& mailbox, const std::string& path);

// One folder, written to a descriptor.
Result<Exported> export_mbox(Mailbox& mailbox, const std::string& folder, int fd);

}  // namespace mailroom::mailbox
