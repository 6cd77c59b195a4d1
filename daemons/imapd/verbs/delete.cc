// DELETE: RFC 3501 section 6.3.4.  The selected mailbox is unselected first.
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {

Reply remove(Context& context, imap::Scanner& in) {
  in.space();
  const std::string name = imap::parse_one_mailbox(in);
  if (!in.ok()) return Reply::refused(in.error());
  const auto folder = context.mail.find(name);
  if (!folder) return context.failed(folder.error());
  const auto removed = context.mail.remove_folder(name);
  if (!removed) return context.failed(removed.error());
  if (context.selected && context.selected->folder() == *folder) context.selected.reset();
  return Reply::ok("Deleted");
}

}  // namespace mailroom::imapd::verbs
