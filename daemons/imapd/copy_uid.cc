#include "daemons/imapd/copy_uid.h"

#include <fmt/format.h>

#include "libcommon/protocol/imap/sequence_set.h"

namespace mailroom::imapd {

std::string copy_uid_code(const mailbox::Copied& copied) {
  if (copied.uids.empty()) return {};
  imap::NumberRanges from;
  imap::NumberRanges to;
  for (const auto& [source, destination] : copied.uids) {
    imap::append_number(from, source);
    imap::append_number(to, destination);
  }
  return fmt::format("[COPYUID {} {} {}] ", copied.uid_validity, imap::render(from), imap::render(to));
}

Reply destination_failed(Context& context, const mailbox::Failure& failure) {
  if (failure.code == mailbox::Failure::Code::no_such_folder) {
    return Reply::no("[TRYCREATE] There is no such mailbox, create it first");
  }
  return context.failed(failure);
}

}  // namespace mailroom::imapd
