// ID: RFC 2971.
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {

Reply id(Context& context, imap::Scanner& in) {
  in.space();
  static_cast<void>(imap::parse_id(in));
  if (!in.ok()) return Reply::refused(in.error());
  context.output.line("* ID (\"name\" \"mailroom\")");
  return Reply::ok("Pleased to meet you");
}

}  // namespace mailroom::imapd::verbs
