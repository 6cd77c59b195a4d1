// UNSELECT: RFC 3691.
#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd::verbs {

Reply unselect(Context& context, imap::Scanner& in) {
  in.end();
  if (!in.ok()) return Reply::refused(in.error());
  context.selected.reset();
  return Reply::ok("Unselected");
}

}  // namespace mailroom::imapd::verbs
