#include "daemons/imapd/session.h"

#include <fmt/format.h>

#include "daemons/imapd/capabilities.h"
#include "daemons/imapd/context.h"
#include "daemons/imapd/verb_table.h"
#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/limits.h"

namespace mailroom::imapd {
namespace {

using std::chrono::steady_clock;

// For a client to take a portion of an answer, and to send the whole of a command that it has begun.
constexpr std::chrono::minutes kPatience{5};

// The message of an APPEND is left to the verb; a mailbox name before it may be a literal too.
LiteralVerdict literal_gate(std::string_view before) {
  imap::Scanner in{before};
  const imap::CommandHead head = imap::parse_head(in);
  if (!in.ok()) return LiteralVerdict::refuse;
  if (head.name != "APPEND") return LiteralVerdict::take;
  return in.rest() == " " ? LiteralVerdict::take : LiteralVerdict::leave;
}

imap::FrameLimits frame_limits(const SessionFacts& facts) {
  imap::FrameLimits limits = imap::kSessionFrame;
  limits.lines = facts.max_command_size;
  return limits;
}

class Session {
 public:
  Session(Stream& client, mailbox::Mailbox& mail, Wait& wait, const SessionFacts& facts)
      : input_{client}, output_{client, kPatience},
        commands_{input_, output_, frame_limits(facts), literal_gate}, context_{input_, output_, commands_,
                                                                                mail,   wait,    facts} {
    input_.preload(facts.pre_read);
  }

  void run();

 private:
  bool wait_for_command();
  void serve_one();
  void refused(const ReadRefusal& refusal);
  void dispatch(const ReadCommand& command);
  Reply run_verb(const Verb* verb, imap::Scanner& in);
  void drop_pending();
  void answer(std::string_view tag, const Reply& reply);

  LineReader input_;
  Output output_;
  CommandReader commands_;
  Context context_;
  std::uint32_t errors_ = 0;
};

// Between commands nothing is told: RFC 3501 section 7.4.1 forbids EXPUNGE there.
bool Session::wait_for_command() {
  if (input_.has_buffered()) return true;
  output_.flush();
  const auto deadline = steady_clock::now() + context_.facts.idle_timeout;
  return context_.wait.for_client(deadline) != Wait::Woke::deadline;
}

void Session::answer(std::string_view tag, const Reply& reply) {
  output_.line(fmt::format("{} {} {}", tag, name_of(reply.status), reply.text));
  if (reply.status != Reply::Status::bad || ++errors_ < context_.facts.max_errors) return;
  context_.end_with("Too many errors");
}

void Session::refused(const ReadRefusal& refusal) {
  context_.over = refusal.kind == ReadRefusal::Kind::closed;
  if (context_.over) return;
  answer(refusal.tag, Reply::bad(refusal.text));
  if (refusal.kind == ReadRefusal::Kind::lost) context_.end_with("The literal is too large");
}

// A literal which the verb did not read: a client that waits for "+" is told by the answer that it will not
// come.
void Session::drop_pending() {
  if (!context_.pending || context_.over) return;
  const imap::LiteralHeader literal = *context_.pending;
  context_.pending.reset();
  if (!literal.synchronizing && !commands_.discard(literal.size))
    context_.end_with("The message is too large");
}

Reply Session::run_verb(const Verb* verb, imap::Scanner& in) {
  if (!in.ok()) return Reply::refused(in.error());
  if (verb == nullptr) return Reply::bad("Unknown command");
  if (verb->states == States::none) return Reply::bad("This command is for before login");
  if (verb->states == States::selected && !context_.selected) return Reply::bad("Select a mailbox first");
  return verb->run(context_, in);
}

void Session::dispatch(const ReadCommand& command) {
  imap::Scanner in{command.text};
  const imap::CommandHead head = imap::parse_head(in);
  const Verb* const verb = find_verb(head.name);
  context_.pending = command.pending;
  const Reply reply = run_verb(verb, in);
  drop_pending();
  if (verb != nullptr && verb->tells != Tells::nothing) {
    context_.tell_changes(verb->tells == Tells::all ? Expunges::told : Expunges::held);
  }
  answer(head.tag.empty() ? "*" : head.tag, reply);
}

void Session::serve_one() {
  output_.read_until(steady_clock::now() + kPatience);
  const auto command = commands_.read();
  if (command) {
    dispatch(*command);
  } else {
    refused(command.error());
  }
}

void Session::run() {
  answer(context_.facts.context,
         Reply::ok(fmt::format("[CAPABILITY {}] Logged in",
                               capabilities_after_login(context_.facts.append_limit))));
  while (!context_.over) {
    if (wait_for_command()) {
      serve_one();
    } else {
      context_.end_with("Nothing was done for too long, please log in again");
    }
  }
  output_.flush();
}

}  // namespace

void run_session(Stream& client, mailbox::Mailbox& mail, Wait& wait, const SessionFacts& facts) {
  Session{client, mail, wait, facts}.run();
}

}  // namespace mailroom::imapd
