// SUBSCRIBE: RFC 3501 section 6.3.6.  Also of names that do not exist: a list of subscriptions is the
// client's.
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {

Reply subscribe(Context& context, imap::Scanner& in) {
  in.space();
  const std::string name = imap::parse_one_mailbox(in);
  if (!in.ok()) return Reply::refused(in.error());
  const auto subscribed = context.mail.subscribe(name);
  if (!subscribed) return context.failed(subscribed.error());
  return Reply::ok("Subscribed");
}

}  // namespace mailroom::imapd::verbs
