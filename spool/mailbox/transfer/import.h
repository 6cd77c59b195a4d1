// Bringing mail in from other systems.  Called by mr-mailbox as the account's uid; what is read may be
// hostile.
//
// Importing twice gives everything twice.  UIDVALIDITY, UIDs and UIDLs of the source are kept where the
// folder they go to was never used: import before the first delivery.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spool/mailbox/mailbox.h"

namespace mailroom::mailbox {

// UIDLs that the source gave out without writing them down.
enum class ComputedUidl : std::uint8_t {
  none,     // ours
  dovecot,  // "%08Xu%08Xv", Dovecot's default pop3_uidl_format
};

struct ImportOptions {
  std::string folder =
      "INBOX";  // for the Maildir or mbox itself; Maildir++ folders go below it, or beside INBOX
  ComputedUidl computed_uidl = ComputedUidl::none;
};

struct Imported {
  std::uint64_t folders = 0;
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;
  std::vector<std::string> skipped;  // what was not imported, and why
};

// A Maildir with its Maildir++ folders, dovecot-uidlist, dovecot-keywords and subscriptions.
Result<Imported> import_maildir(Mailbox& mailbox, const std::string& path, const ImportOptions& options);

// An mbox, from a descriptor that is read to its end.
Result<Imported> import_mbox(Mailbox& mailbox, int fd, const ImportOptions& options);

}  // namespace mailroom::mailbox
