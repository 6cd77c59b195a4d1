// CHECK: RFC 3501 section 6.4.1.  Everything acknowledged is on disk already.
#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd::verbs {

Reply check(Context& context, imap::Scanner& in) {
  in.end();
  if (!in.ok()) return Reply::refused(in.error());
  context.take_in(context.selected->folder());
  return Reply::ok("Checked");
}

}  // namespace mailroom::imapd::verbs
