// ENABLE: RFC 5161.  What is not known is passed over.
#include <algorithm>

#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {

Reply enable(Context& context, imap::Scanner& in) {
  in.space();
  const std::vector<std::string> names = imap::parse_enable(in);
  if (!in.ok()) return Reply::refused(in.error());
  const bool condstore = std::ranges::find(names, "CONDSTORE") != names.end();
  if (condstore) context.mod_sequences = ModSequences::shown;
  context.output.line(condstore ? "* ENABLED CONDSTORE" : "* ENABLED");
  return Reply::ok("Enabled");
}

}  // namespace mailroom::imapd::verbs
