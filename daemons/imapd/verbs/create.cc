// CREATE: RFC 3501 section 6.3.3, with a special use: RFC 6154 section 3.
#include "daemons/imapd/special_use.h"
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {

Reply create(Context& context, imap::Scanner& in) {
  in.space();
  const imap::CreateArguments arguments = imap::parse_create(in);
  if (!in.ok()) return Reply::refused(in.error());
  if (arguments.uses.size() > 1) return Reply::no("[USEATTR] A mailbox has one special use");
  auto use = mailbox::SpecialUse::none;
  if (!arguments.uses.empty()) {
    const auto known = special_use_of(arguments.uses.front());
    if (!known) return Reply::no("[USEATTR] That special use is not known");
    use = *known;
  }
  const auto folder = context.mail.create(arguments.mailbox, use);
  if (!folder) return context.failed(folder.error());
  return Reply::ok("Created");
}

}  // namespace mailroom::imapd::verbs
