// IDLE: RFC 2177.
#include "daemons/imapd/verbs/verbs.h"
#include "libcommon/text/ascii.h"

namespace mailroom::imapd::verbs {
namespace {

// "DONE" with its line end.
constexpr std::size_t kMaxDoneLine = 64;

Reply read_done(Context& context) {
  const auto line = context.input.read_line(kMaxDoneLine);
  if (line && equals_ignoring_case(*line, "DONE\r\n")) return Reply::ok("Idle ended");
  if (!line && line.error() == LineError::closed) context.over = true;
  return Reply::bad("DONE was expected");
}

void tell(Context& context) {
  if (context.selected) context.take_in(context.selected->folder());
  context.tell_changes(Expunges::told);
  context.output.flush();
}

}  // namespace

Reply idle(Context& context, imap::Scanner& in) {
  in.end();
  if (!in.ok()) return Reply::refused(in.error());
  context.output.line("+ Waiting for news");
  const auto deadline = std::chrono::steady_clock::now() + context.facts.idle_timeout;
  while (!context.over) {
    tell(context);
    if (context.over || context.input.has_buffered()) break;
    const Wait::Woke woke = context.wait.for_both(deadline);
    if (woke == Wait::Woke::client) break;
    if (woke == Wait::Woke::deadline) context.end_with("Nothing was done for too long, please log in again");
  }
  return context.over ? Reply::no("Idle ended") : read_done(context);
}

}  // namespace mailroom::imapd::verbs
