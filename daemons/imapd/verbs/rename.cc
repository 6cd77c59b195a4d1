// RENAME: RFC 3501 section 6.3.5.
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {

Reply rename(Context& context, imap::Scanner& in) {
  in.space();
  const imap::RenameArguments arguments = imap::parse_rename(in);
  if (!in.ok()) return Reply::refused(in.error());
  const auto renamed = context.mail.rename(arguments.from, arguments.to);
  if (!renamed) return context.failed(renamed.error());
  return Reply::ok("Renamed");
}

}  // namespace mailroom::imapd::verbs
