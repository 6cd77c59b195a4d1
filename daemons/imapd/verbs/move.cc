// MOVE and UID MOVE: RFC 6851.  COPYUID is told before the EXPUNGE responses, which come from telling what
// has changed.
#include "daemons/imapd/copy_uid.h"
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {
namespace {

Reply run(Context& context, imap::Scanner& in, Numbers numbers) {
  in.space();
  const imap::CopyArguments arguments = imap::parse_copy(in);
  if (!in.ok()) return Reply::refused(in.error());
  if (context.selected->read_only()) return Reply::no("[READ-ONLY] The mailbox was opened with EXAMINE");
  const auto uids = context.selected->targets(arguments.set, numbers);
  if (!uids) return Reply::bad("There is no message with that number");
  const auto to = context.mail.find(arguments.mailbox);
  if (!to) return destination_failed(context, to.error());
  const auto moved = context.mail.move(context.selected->folder(), *uids, *to);
  if (!moved) return context.failed(moved.error());
  if (!moved->uids.empty()) context.output.line("* OK " + copy_uid_code(*moved) + "Moved");
  return Reply::ok("Moved");
}

}  // namespace

Reply move(Context& context, imap::Scanner& in) { return run(context, in, Numbers::messages); }

Reply uid_move(Context& context, imap::Scanner& in) { return run(context, in, Numbers::uids); }

}  // namespace mailroom::imapd::verbs
