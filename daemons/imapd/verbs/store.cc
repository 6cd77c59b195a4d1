// STORE and UID STORE: RFC 3501 section 6.4.6, RFC 7162 section 3.1.3.
#include <algorithm>

#include <fmt/format.h>

#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/protocol/imap/arguments.h"

namespace mailroom::imapd::verbs {
namespace {

using How = mailbox::FlagChange::How;

mailbox::FlagChange change_of(const imap::StoreRequest& request) {
  mailbox::FlagChange change;
  change.how = request.mode == imap::StoreRequest::Mode::add      ? How::add
               : request.mode == imap::StoreRequest::Mode::remove ? How::remove
                                                                  : How::replace;
  change.flags = request.flags.system;
  change.keywords = request.flags.keywords;
  change.unchanged_since = request.unchanged_since;
  return change;
}

// A silent STORE is silent about messages whose other flags the client knows.  What another session has
// changed meanwhile is changed in a second step, and told like any news.
mailbox::Result<mailbox::Stored> store_silently(Context& context, const mailbox::UidSet& uids,
                                                mailbox::FlagChange change) {
  Selected& selected = *context.selected;
  const std::optional<mailbox::ModSeq> asked = change.unchanged_since;
  change.unchanged_since = std::min(asked.value_or(UINT64_MAX), selected.known_until());
  auto known = context.mail.store(selected.folder(), uids, change);
  if (!known) return known;
  for (const mailbox::Message& message : known->messages) selected.knows(message);
  if (known->modified.empty() || change.unchanged_since == asked) return known;
  change.unchanged_since = asked;
  auto others = context.mail.store(selected.folder(), known->modified, change);
  if (!others) return others;
  known->messages.insert(known->messages.end(), others->messages.begin(), others->messages.end());
  known->modified = std::move(others->modified);
  return known;
}

// With CONDSTORE also a silent STORE tells the new MODSEQ (RFC 7162 section 3.1.3).
void tell_stored(Context& context, const imap::StoreRequest& request, Numbers numbers,
                 const mailbox::Message& message) {
  const bool mod_sequences = context.mod_sequences == ModSequences::shown;
  const auto number = context.selected->view().number_of(message.uid);
  if (!number || (request.silent && !mod_sequences)) return;
  std::string& out = context.output.text();
  if (!request.silent)
    static_cast<void>(context.selected->learn_keywords(context.mail, message.keywords, out));
  fmt::format_to(std::back_inserter(out), "* {} FETCH (", *number);
  if (numbers == Numbers::uids) fmt::format_to(std::back_inserter(out), "UID {} ", message.uid);
  if (!request.silent) {
    out += "FLAGS ";
    context.selected->append_flags(out, message);
  }
  if (mod_sequences) {
    fmt::format_to(std::back_inserter(out), "{}MODSEQ ({})", request.silent ? "" : " ", message.modseq);
  }
  out += ")\r\n";
  context.output.flush_if_large();
}

// "[MODIFIED 7,9] "
std::string modified_code(const Selected& selected, const mailbox::UidSet& modified, Numbers numbers) {
  if (modified.empty()) return {};
  imap::NumberRanges ranges;
  modified.for_each([&](mailbox::Uid uid) {
    if (const auto number = selected.view().number_of(uid)) {
      imap::append_number(ranges, numbers == Numbers::uids ? uid : *number);
    }
  });
  return fmt::format("[MODIFIED {}] ", imap::render(ranges));
}

Reply run(Context& context, imap::Scanner& in, Numbers numbers) {
  in.space();
  const imap::StoreRequest request = imap::parse_store(in);
  if (!in.ok()) return Reply::refused(in.error());
  Selected& selected = *context.selected;
  if (selected.read_only()) return Reply::no("[READ-ONLY] The mailbox was opened with EXAMINE");
  const auto uids = selected.targets(request.set, numbers);
  if (!uids) return Reply::bad("There is no message with that number");
  if (request.unchanged_since) context.mod_sequences = ModSequences::shown;
  const auto stored = request.silent ? store_silently(context, *uids, change_of(request))
                                     : context.mail.store(selected.folder(), *uids, change_of(request));
  if (!stored) return context.failed(stored.error());
  for (const mailbox::Message& message : stored->messages) tell_stored(context, request, numbers, message);
  return Reply::ok(modified_code(selected, stored->modified, numbers) + "Stored");
}

}  // namespace

Reply store(Context& context, imap::Scanner& in) { return run(context, in, Numbers::messages); }

Reply uid_store(Context& context, imap::Scanner& in) { return run(context, in, Numbers::uids); }

}  // namespace mailroom::imapd::verbs
