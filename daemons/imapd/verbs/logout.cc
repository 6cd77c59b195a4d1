// LOGOUT: RFC 3501 section 6.1.3.
#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd::verbs {

Reply logout(Context& context, imap::Scanner& in) {
  in.end();
  if (!in.ok()) return Reply::refused(in.error());
  context.end_with("Logging out");
  return Reply::ok("Logged out");
}

}  // namespace mailroom::imapd::verbs
