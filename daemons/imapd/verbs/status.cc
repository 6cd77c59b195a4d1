// STATUS: RFC 3501 section 6.3.10, RFC 7162 section 3.1.7, RFC 7889 section 4.
#include <array>

#include <fmt/format.h>

#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/writer.h"

namespace mailroom::imapd::verbs {
namespace {

void append_items(std::string& out, std::uint32_t items, const mailbox::Folder& folder,
                  std::uint64_t append_limit) {
  const std::array<std::tuple<imap::StatusItem, std::string_view, std::uint64_t>, 7> values{{
      {imap::kStatusMessages, "MESSAGES", folder.exists},
      {imap::kStatusRecent, "RECENT", folder.recent},
      {imap::kStatusUidNext, "UIDNEXT", folder.uid_next},
      {imap::kStatusUidValidity, "UIDVALIDITY", folder.uid_validity},
      {imap::kStatusUnseen, "UNSEEN", folder.unseen},
      {imap::kStatusHighestModSequence, "HIGHESTMODSEQ", folder.highest_modseq},
      {imap::kStatusAppendLimit, "APPENDLIMIT", append_limit},
  }};
  std::string_view separator;
  for (const auto& [item, name, value] : values) {
    if ((items & item) == 0) continue;
    fmt::format_to(std::back_inserter(out), "{}{} {}", separator, name, value);
    separator = " ";
  }
}

}  // namespace

Reply status(Context& context, imap::Scanner& in) {
  in.space();
  const imap::StatusArguments arguments = imap::parse_status(in);
  if (!in.ok()) return Reply::refused(in.error());
  const auto id = context.mail.find(arguments.mailbox);
  if (!id) return context.failed(id.error());
  context.take_in(*id);
  const auto folder = context.mail.folder(*id);
  if (!folder) return context.failed(folder.error());
  if ((arguments.items & imap::kStatusHighestModSequence) != 0) context.mod_sequences = ModSequences::shown;
  std::string& out = context.output.text();
  out += "* STATUS ";
  imap::append_mailbox(out, arguments.mailbox);
  out += " (";
  append_items(out, arguments.items, *folder, context.facts.append_limit);
  out += ")\r\n";
  return Reply::ok("Status given");
}

}  // namespace mailroom::imapd::verbs
