// FETCH and UID FETCH: RFC 3501 section 6.4.5, RFC 7162 section 3.1.4.
#include <algorithm>

#include "daemons/imapd/fetch_writer.h"
#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd::verbs {
namespace {

// Rows that are read, and marked \Seen, together.
constexpr std::size_t kBatch = 256;

class Fetch {
 public:
  Fetch(Context& context, const imap::FetchRequest& request)
      : context_{context}, request_{request}, sets_seen_{!context.selected->read_only() &&
                                                         std::ranges::any_of(
                                                             request.sections,
                                                             [](const imap::FetchSection& section) {
                                                               return section.sets_seen ==
                                                                      imap::SetsSeen::yes;
                                                             })},
        writer_{context, request} {}

  Reply run(const mailbox::UidSet& uids);

 private:
  mailbox::Result<void> write_all(const mailbox::UidSet& uids);
  mailbox::Result<void> write_changed(const mailbox::UidSet& uids);
  mailbox::Result<void> write_batch(const mailbox::UidSet& uids);
  mailbox::Result<void> write_rows(std::vector<mailbox::Message> rows);
  mailbox::Result<mailbox::UidSet> mark_seen(std::vector<mailbox::Message>& rows);

  Context& context_;
  const imap::FetchRequest& request_;
  bool sets_seen_;
  FetchWriter writer_;
  std::size_t written_ = 0;
};

// Changes the rows as the store does, and says which were changed.
mailbox::Result<mailbox::UidSet> Fetch::mark_seen(std::vector<mailbox::Message>& rows) {
  mailbox::UidSet unseen;
  for (const mailbox::Message& row : rows) {
    if ((row.flags & mailbox::kSeen) == 0) unseen.insert(row.uid);
  }
  if (unseen.empty()) return unseen;
  auto stored = context_.mail.store(context_.selected->folder(), unseen, {.flags = mailbox::kSeen});
  if (!stored) return std::unexpected(std::move(stored.error()));
  auto after = stored->messages.begin();  // both ascend by UID
  for (mailbox::Message& row : rows) {
    while (after != stored->messages.end() && after->uid < row.uid) ++after;
    if (after != stored->messages.end() && after->uid == row.uid) row = *after;
  }
  return unseen;
}

mailbox::Result<void> Fetch::write_rows(std::vector<mailbox::Message> rows) {
  mailbox::UidSet changed;
  if (sets_seen_) {
    auto marked = mark_seen(rows);
    if (!marked) return std::unexpected(std::move(marked.error()));
    changed = std::move(*marked);
  }
  for (const mailbox::Message& row : rows) writer_.write(row, changed.contains(row.uid));
  written_ += rows.size();
  return {};
}

mailbox::Result<void> Fetch::write_batch(const mailbox::UidSet& uids) {
  auto rows = context_.mail.messages(context_.selected->folder(), uids);
  if (!rows) return std::unexpected(std::move(rows.error()));
  return write_rows(std::move(*rows));
}

mailbox::Result<void> Fetch::write_all(const mailbox::UidSet& uids) {
  mailbox::UidSet batch;
  mailbox::Result<void> done;
  uids.for_each([&](mailbox::Uid uid) {
    if (!done) return;
    batch.insert(uid);
    if (batch.size() < kBatch) return;
    done = write_batch(batch);
    batch = {};
  });
  if (done && !batch.empty()) done = write_batch(batch);
  return done;
}

// CHANGEDSINCE: at the cost of the changes, not of the mailbox.
mailbox::Result<void> Fetch::write_changed(const mailbox::UidSet& uids) {
  auto changes = context_.mail.changes_since(context_.selected->folder(), *request_.changed_since);
  if (!changes) return std::unexpected(std::move(changes.error()));
  std::erase_if(changes->messages, [&](const mailbox::Message& row) { return !uids.contains(row.uid); });
  return write_rows(std::move(changes->messages));
}

Reply Fetch::run(const mailbox::UidSet& uids) {
  const auto done = request_.changed_since ? write_changed(uids) : write_all(uids);
  if (!done) return context_.failed(done.error());
  if (writer_.failure()) return context_.failed(*writer_.failure());
  const bool some_gone = !request_.changed_since && written_ < uids.size();
  return Reply::ok(some_gone ? "[EXPUNGEISSUED] Fetched; some messages were expunged" : "Fetched");
}

Reply run(Context& context, imap::Scanner& in, Numbers numbers) {
  in.space();
  imap::FetchRequest request = imap::parse_fetch(in);
  if (!in.ok()) return Reply::refused(in.error());
  const auto uids = context.selected->targets(request.set, numbers);
  if (!uids) return Reply::bad("There is no message with that number");
  if (numbers == Numbers::uids) request.items |= imap::kFetchUid;
  if ((request.items & imap::kFetchModSequence) != 0) context.mod_sequences = ModSequences::shown;
  return Fetch{context, request}.run(*uids);
}

}  // namespace

Reply fetch(Context& context, imap::Scanner& in) { return run(context, in, Numbers::messages); }

Reply uid_fetch(Context& context, imap::Scanner& in) { return run(context, in, Numbers::uids); }

}  // namespace mailroom::imapd::verbs
