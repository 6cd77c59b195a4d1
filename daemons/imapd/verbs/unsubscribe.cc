// UNSUBSCRIBE: RFC 3501 section 6.3.7.
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {

Reply unsubscribe(Context& context, imap::Scanner& in) {
  in.space();
  const std::string name = imap::parse_one_mailbox(in);
  if (!in.ok()) return Reply::refused(in.error());
  const auto unsubscribed = context.mail.unsubscribe(name);
  if (!unsubscribed) return context.failed(unsubscribed.error());
  return Reply::ok("Unsubscribed");
}

}  // namespace mailroom::imapd::verbs
