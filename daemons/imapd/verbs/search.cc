// SEARCH and UID SEARCH: RFC 3501 section 6.4.4, RFC 7162 section 3.1.5.
#include <chrono>

#include <fmt/format.h>

#include "daemons/imapd/search_run.h"
#include "daemons/imapd/verbs/verbs.h"

namespace mailroom::imapd::verbs {
namespace {

// Rows that are read together.
constexpr std::size_t kBatch = 1024;
// One SEARCH takes at most so long (SECURITY.md V10).
constexpr std::chrono::seconds kBudget{60};

class Search {
 public:
  Search(Context& context, const imap::SearchRequest& request, Numbers numbers)
      : context_{context}, request_{request}, numbers_{numbers}, run_{context, request} {}

  Reply run();

 private:
  mailbox::Result<bool> search_batch(const mailbox::UidSet& uids);
  void found(const mailbox::Message& message);

  Context& context_;
  const imap::SearchRequest& request_;
  Numbers numbers_;
  SearchRun run_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now() + kBudget;
  std::string result_ = "* SEARCH";
  mailbox::ModSeq highest_ = 0;
};

void Search::found(const mailbox::Message& message) {
  const std::uint32_t number =
      numbers_ == Numbers::uids ? message.uid : context_.selected->view().number_of(message.uid).value_or(0);
  fmt::format_to(std::back_inserter(result_), " {}", number);
  highest_ = std::max(highest_, message.modseq);
}

// False when the time is over.
mailbox::Result<bool> Search::search_batch(const mailbox::UidSet& uids) {
  auto rows = context_.mail.messages(context_.selected->folder(), uids);
  if (!rows) return std::unexpected(std::move(rows.error()));
  for (const mailbox::Message& row : *rows) {
    if (run_.matches(row)) found(row);
    if (std::chrono::steady_clock::now() > deadline_) return false;
  }
  return true;
}

Reply Search::run() {
  mailbox::UidSet batch;
  mailbox::Result<bool> going_on = true;
  const auto candidates = run_.candidates();
  candidates.for_each([&](mailbox::Uid uid) {
    if (!going_on || !*going_on) return;
    batch.insert(uid);
    if (batch.size() < kBatch) return;
    going_on = search_batch(batch);
    batch = {};
  });
  if (going_on && *going_on && !batch.empty()) going_on = search_batch(batch);
  if (!going_on) return context_.failed(going_on.error());
  if (!*going_on) return Reply::no("[LIMIT] The search takes too long, please narrow it by date or sender");
  std::string& out = context_.output.text();
  out += result_;
  if (request_.uses_mod_sequence && highest_ > 0) {
    fmt::format_to(std::back_inserter(out), " (MODSEQ {})", highest_);
  }
  out += "\r\n";
  return Reply::ok(context_.selected->has_gone() ? "[EXPUNGEISSUED] Searched" : "Searched");
}

Reply run(Context& context, imap::Scanner& in, Numbers numbers) {
  in.space();
  const imap::SearchRequest request = imap::parse_search(in);
  if (!in.ok()) return Reply::refused(in.error());
  if (request.uses_mod_sequence) context.mod_sequences = ModSequences::shown;
  return Search{context, request, numbers}.run();
}

}  // namespace

Reply search(Context& context, imap::Scanner& in) { return run(context, in, Numbers::messages); }

Reply uid_search(Context& context, imap::Scanner& in) { return run(context, in, Numbers::uids); }

}  // namespace mailroom::imapd::verbs
