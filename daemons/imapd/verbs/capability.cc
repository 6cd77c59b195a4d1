// CAPABILITY: RFC 3501 section 6.1.1.
#include "daemons/imapd/capabilities.h"
#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd::verbs {

Reply capability(Context& context, imap::Scanner& in) {
  in.end();
  if (!in.ok()) return Reply::refused(in.error());
  context.output.line("* CAPABILITY " + capabilities_after_login(context.facts.append_limit));
  return Reply::ok("Capabilities listed");
}

}  // namespace mailroom::imapd::verbs
