// NOOP: RFC 3501 section 6.1.2.
#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd::verbs {

Reply noop(Context& context, imap::Scanner& in) {
  in.end();
  if (!in.ok()) return Reply::refused(in.error());
  if (context.selected) context.take_in(context.selected->folder());
  return Reply::ok("Nothing else done");
}

}  // namespace mailroom::imapd::verbs
