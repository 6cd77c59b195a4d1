// LIST: RFC 3501 section 6.3.8, with the attributes of RFC 3348 (CHILDREN) and RFC 6154 (SPECIAL-USE).
#include "daemons/imapd/name_matcher.h"
#include "daemons/imapd/special_use.h"
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/writer.h"

namespace mailroom::imapd::verbs {
namespace {

void append_entry(std::string& out, const mailbox::ListEntry& entry) {
  out += "* LIST (";
  if (entry.folder == 0) out += "\\Noselect ";
  out += entry.has_children ? "\\HasChildren" : "\\HasNoChildren";
  if (entry.use != mailbox::SpecialUse::none) out.append(1, ' ').append(name_of(entry.use));
  out += ") \"/\" ";
  imap::append_mailbox(out, entry.name);
  out += "\r\n";
}

}  // namespace

Reply list(Context& context, imap::Scanner& in) {
  in.space();
  const imap::ListArguments arguments = imap::parse_list(in);
  if (!in.ok()) return Reply::refused(in.error());
  if (arguments.pattern.empty()) {  // asks for the separator and the root of the reference
    context.output.line("* LIST (\\Noselect) \"/\" \"\"");
    return Reply::ok("Listed");
  }
  const auto matcher = NameMatcher::make(arguments);
  if (!matcher) return Reply::ok("No mailbox can have such a name");
  const auto entries = context.mail.list();
  if (!entries) return context.failed(entries.error());
  for (const mailbox::ListEntry& entry : *entries) {
    if (!matcher->matches(entry.name)) continue;
    append_entry(context.output.text(), entry);
    context.output.flush_if_large();
  }
  return Reply::ok("Listed");
}

}  // namespace mailroom::imapd::verbs
