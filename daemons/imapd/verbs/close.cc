// CLOSE: RFC 3501 section 6.4.2.  Expunges without telling.
#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd::verbs {

Reply close(Context& context, imap::Scanner& in) {
  in.end();
  if (!in.ok()) return Reply::refused(in.error());
  if (!context.selected->read_only()) {
    const auto expunged = context.mail.expunge(context.selected->folder());
    if (!expunged) return context.failed(expunged.error());
  }
  context.selected.reset();
  return Reply::ok("Closed");
}

}  // namespace mailroom::imapd::verbs
