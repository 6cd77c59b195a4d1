// APPEND: RFC 3501 section 6.3.11, APPENDUID: RFC 4315, APPENDLIMIT: RFC 7889, [TOOBIG]: RFC 4469
// section 4.2.
#include <chrono>

#include <fmt/format.h>

#include "daemons/imapd/copy_uid.h"
#include "daemons/imapd/verbs/verbs.h"
#include "daemons/imapd/wire_form.h"
#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/frame.h"

namespace mailroom::imapd::verbs {
namespace {

// The time a client has for its message: some, and at least this rate.
constexpr std::chrono::minutes kBasePatience{5};
constexpr std::uint64_t kMinOctetsPerSecond = 1024;
constexpr std::size_t kMaxEndOfCommand = 1024;

// Why the message cannot be appended, before it is sent.
std::optional<Reply> refusal(Context& context, const imap::Scanner& in, std::uint64_t size) {
  if (!in.ok()) return Reply::refused(in.error());
  if (!in.at_end()) return Reply::bad("A literal with the message was expected");
  if (size > context.facts.append_limit) {
    return Reply::no(
        fmt::format("[TOOBIG] A message may have at most {} octets", context.facts.append_limit));
  }
  if (size == 0) return Reply::no("[CANNOT] A message cannot be empty");
  return std::nullopt;
}

// Reads all of the literal, whatever happens to it.  Nothing when the client is gone.
std::optional<Reply> receive(Context& context, std::uint64_t size, mailbox::Staged& staged) {
  WireForm wire_form;
  std::optional<Reply> problem;
  while (size > 0) {
    const std::string_view some = context.input.read_some(size);
    if (some.empty()) {
      context.over = true;
      return Reply::bad("The message is not complete");
    }
    size -= some.size();
    if (problem) continue;
    const auto octets = wire_form.feed(some);
    if (!octets) {
      problem = Reply::bad("A message cannot hold NUL");
    } else if (const auto written = staged.write(*octets); !written) {
      problem = context.failed(written.error());
    }
  }
  if (!problem) {
    if (const auto written = staged.write(wire_form.finish()); !written)
      problem = context.failed(written.error());
  }
  return problem;
}

// What follows the message must be the end of the command: MULTIAPPEND is not offered.
std::optional<Reply> end_of_command(Context& context) {
  const auto line = context.input.read_line(kMaxEndOfCommand);
  if (line && *line == "\r\n") return std::nullopt;
  if (!line && line.error() == LineError::closed) context.over = true;
  if (line && line->ends_with("\r\n")) {
    context.pending = imap::announced_literal(line->substr(0, line->size() - 2));  // to be dropped
  }
  return Reply::bad("One message at a time is appended");
}

Reply commit(Context& context, mailbox::FolderId folder, mailbox::NewMessage message) {
  if (const auto finished = message.staged.finish(); !finished) return context.failed(finished.error());
  std::vector<mailbox::NewMessage> messages;
  messages.push_back(std::move(message));
  const auto appended = context.mail.append(folder, std::move(messages));
  if (!appended) return context.failed(appended.error());
  const mailbox::Uid uid = appended->uids.front();
  context.summarise(folder, {.first = uid, .last = uid});
  return Reply::ok(fmt::format("[APPENDUID {} {}] Appended", appended->uid_validity, uid));
}

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Reply append(Context& context, imap::Scanner& in) {
  in.space();
  imap::AppendArguments arguments = imap::parse_append(in);
  if (!context.pending) return Reply::bad("A literal with the message was expected");
  if (auto refused = refusal(context, in, context.pending->size)) return std::move(*refused);
  const auto folder = context.mail.find(arguments.mailbox);
  if (!folder) return destination_failed(context, folder.error());
  auto staged = context.mail.stage();
  if (!staged) return context.failed(staged.error());

  const imap::LiteralHeader literal = *std::exchange(context.pending, std::nullopt);
  if (literal.synchronizing) context.output.line("+ Ready for the message");
  context.output.flush();
  context.output.read_until(std::chrono::steady_clock::now() + kBasePatience +
                            std::chrono::seconds{literal.size / kMinOctetsPerSecond});
  auto problem = receive(context, literal.size, *staged);
  if (!context.over) {
    if (auto unexpected_text = end_of_command(context); unexpected_text && !problem)
      problem = unexpected_text;
  }
  if (problem) return std::move(*problem);
  return commit(context, *folder,
                {.staged = std::move(*staged),
                 .flags = arguments.flags.system,
                 .keywords = std::move(arguments.flags.keywords),
                 .internal_date = arguments.date.value_or(now())});
}

}  // namespace mailroom::imapd::verbs
