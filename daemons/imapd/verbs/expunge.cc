// EXPUNGE and UID EXPUNGE: RFC 3501 section 6.4.3, RFC 4315 section 2.1.  The responses come from telling
// what has changed.
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {
namespace {

Reply run(Context& context, const mailbox::UidSet* only) {
  if (context.selected->read_only()) return Reply::no("[READ-ONLY] The mailbox was opened with EXAMINE");
  const auto expunged = context.mail.expunge(context.selected->folder(), only);
  if (!expunged) return context.failed(expunged.error());
  return Reply::ok("Expunged");
}

}  // namespace

Reply expunge(Context& context, imap::Scanner& in) {
  in.end();
  if (!in.ok()) return Reply::refused(in.error());
  return run(context, nullptr);
}

Reply uid_expunge(Context& context, imap::Scanner& in) {
  in.space();
  const imap::SequenceSet set = imap::parse_uid_expunge(in);
  if (!in.ok()) return Reply::refused(in.error());
  const auto uids = context.selected->targets(set, Numbers::uids);
  return run(context, &*uids);
}

}  // namespace mailroom::imapd::verbs
