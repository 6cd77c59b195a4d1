// SELECT and EXAMINE: RFC 3501 sections 6.3.1 and 6.3.2, RFC 7162 section 3.1.8.
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {
namespace {

Reply open(Context& context, imap::Scanner& in, mailbox::Access access) {
  in.space();
  const imap::SelectArguments arguments = imap::parse_select(in);
  if (!in.ok()) return Reply::refused(in.error());
  context.selected.reset();  // also when the new one cannot be selected
  const auto folder = context.mail.find(arguments.mailbox);
  if (!folder) return context.failed(folder.error());
  context.take_in(*folder);
  auto selected = Selected::open(context.mail, *folder, access);
  if (!selected) return context.failed(selected.error());
  context.selected = std::move(*selected);
  if (arguments.condstore == imap::Condstore::on) context.mod_sequences = ModSequences::shown;
  context.selected->announce(context.output.text());
  return Reply::ok(access == mailbox::Access::examine ? "[READ-ONLY] Selected" : "[READ-WRITE] Selected");
}

}  // namespace

Reply select(Context& context, imap::Scanner& in) { return open(context, in, mailbox::Access::read_write); }

Reply examine(Context& context, imap::Scanner& in) { return open(context, in, mailbox::Access::examine); }

}  // namespace mailroom::imapd::verbs
