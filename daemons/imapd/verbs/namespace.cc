// NAMESPACE: RFC 2342.  There is one, the account's own.
#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd::verbs {

Reply namespaces(Context& context, imap::Scanner& in) {
  in.end();
  if (!in.ok()) return Reply::refused(in.error());
  context.output.line("* NAMESPACE ((\"\" \"/\")) NIL NIL");
  return Reply::ok("Namespaces listed");
}

}  // namespace mailroom::imapd::verbs
