// COPY and UID COPY: RFC 3501 section 6.4.7, RFC 4315 section 3 (COPYUID).
#include "daemons/imapd/copy_uid.h"
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {
namespace {

Reply run(Context& context, imap::Scanner& in, Numbers numbers) {
  in.space();
  const imap::CopyArguments arguments = imap::parse_copy(in);
  if (!in.ok()) return Reply::refused(in.error());
  const auto uids = context.selected->targets(arguments.set, numbers);
  if (!uids) return Reply::bad("There is no message with that number");
  const auto to = context.mail.find(arguments.mailbox);
  if (!to) return destination_failed(context, to.error());
  const auto copied = context.mail.copy(context.selected->folder(), *uids, *to);
  if (!copied) return context.failed(copied.error());
  return Reply::ok(copy_uid_code(*copied) + "Copied");
}

}  // namespace

Reply copy(Context& context, imap::Scanner& in) { return run(context, in, Numbers::messages); }

Reply uid_copy(Context& context, imap::Scanner& in) { return run(context, in, Numbers::uids); }

}  // namespace mailroom::imapd::verbs
