// LSUB: RFC 3501 section 6.3.9.
#include <set>

#include "daemons/imapd/name_matcher.h"
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/writer.h"
#include "spool/mailbox/folder_name.h"

namespace mailroom::imapd::verbs {
namespace {

void append_entry(std::string& out, std::string_view attributes, std::string_view name) {
  out.append("* LSUB (").append(attributes).append(") \"/\" ");
  imap::append_mailbox(out, name);
  out += "\r\n";
}

// With a final `%`, a level that matches and has subscribed names below it is listed, though it is not
// subscribed.
std::set<std::string, std::less<>> levels_above(const std::vector<std::string>& names,
                                                const NameMatcher& matcher) {
  std::set<std::string, std::less<>> levels;
  for (const std::string& name : names) {
    for (std::string_view level = mailbox::parent_name(name); !level.empty();
         level = mailbox::parent_name(level)) {
      if (matcher.matches(level)) levels.emplace(level);
    }
  }
  for (const std::string& name : names) levels.erase(name);
  return levels;
}

}  // namespace

Reply lsub(Context& context, imap::Scanner& in) {
  in.space();
  const imap::ListArguments arguments = imap::parse_list(in);
  if (!in.ok()) return Reply::refused(in.error());
  const auto matcher = NameMatcher::make(arguments);
  if (!matcher) return Reply::ok("No mailbox can have such a name");
  const auto names = context.mail.subscriptions();
  if (!names) return context.failed(names.error());
  std::string& out = context.output.text();
  for (const std::string& name : *names) {
    if (matcher->matches(name)) append_entry(out, "", name);
  }
  if (arguments.pattern.ends_with('%')) {
    for (const std::string& level : levels_above(*names, *matcher)) append_entry(out, "\\Noselect", level);
  }
  return Reply::ok("Listed");
}

}  // namespace mailroom::imapd::verbs
