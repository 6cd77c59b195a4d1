#include "daemons/smtpd/session.h"

#include <fmt/format.h>

#include "daemons/log.h"
#include "daemons/smtpd/session_limits.h"
#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/command.h"
#include "libcommon/protocol/smtp/reply.h"

namespace mailroom {

void run_smtp(const SmtpFacts& facts, const SmtpPeers& peers) { SmtpSession(facts, peers).run(); }

SmtpSession::SmtpSession(const SmtpFacts& facts, const SmtpPeers& peers)
    : facts_{facts}, peers_{peers}, limits_{facts.limits},
      dialogue_{peers.client, peers.clock, facts.limits.command_timeout,
                peers.clock.now() + std::chrono::milliseconds{facts.limits.session_timeout}},
      tls_on_{facts.tls == TlsMode::implicit} {}

void SmtpSession::run() {
  try {
    greet();
    while (!ended_) serve_command();
  } catch (const StreamError& error) {
    say_farewell(error);
  }
}

void SmtpSession::greet() {
  if (facts_.client_spoke_first || dialogue_.has_input()) {
    return leave_with({554, "5.5.1", "Wait for the greeting before you speak"});
  }
  reply(220, "", facts_.hostname + " ESMTP mailroom");
}

void SmtpSession::serve_command() {
  // AUTH may be longer than the others, and only the line says that it is AUTH.
  const auto line = dialogue_.read_line(smtp::kMaxAuthLine);
  if (bad_commands_ >= kMaxBadCommands || errors_ >= limits_.max_errors) {
    return leave_with({421, "4.7.0", "Too many errors; correct them before you connect again"});
  }
  if (idle_commands_ >= limits_.max_idle_commands) {
    return leave_with({421, "4.7.0", "Too many commands without a message; connect when there is one"});
  }
  if (!line) {
    ++bad_commands_;
    return reply(500, "5.5.2", "Line too long");
  }
  dispatch(*line);
}

void SmtpSession::dispatch(std::string_view line) {
  if (smtp::is_http_request(line))
    return leave_with({554, "5.5.1", "This is a mail server; it does not speak HTTP"});
  const auto command = smtp::split_command_line(line);
  if (!command) return leave_with({500, "5.5.2", "A line must end in CRLF and have no other CR, LF or NUL"});
  if (line.size() > smtp::kMaxCommandLine && command->verb != smtp::Verb::auth) {
    ++bad_commands_;
    return reply(500, "5.5.2", "Line too long");
  }
  const VerbRow* row = find_verb(command->verb);
  if (row == nullptr) return refuse(smtp::Refusal{500, "5.5.1", "Command unknown; see HELP"});
  if ((row->legal & static_cast<Phases>(phase_)) == 0) {
    return refuse(smtp::Refusal{503, "5.5.1", phase_ == Phase::fresh ? "Send EHLO first" : row->out_of_turn});
  }
  (this->*row->handle)(command->argument);
}

void SmtpSession::leave_with(const Reply& last) {
  ended_ = true;
  log::write("protocol-error", {{"session", log::Id{facts_.connection}}, {"reason", last.text}});
  reply(last);
  dialogue_.flush_farewell();
}

// A client that is too slow is told so, if it still listens.
void SmtpSession::say_farewell(const StreamError& error) {
  if (error.kind != StreamError::Kind::timeout) return;
  try {
    leave_with({421, "4.4.2", "Waited too long; connect again"});
  } catch (const StreamError&) {
  }
}

void SmtpSession::reply(const Reply& reply) {
  smtp::append_reply(dialogue_.out(), reply.code, reply.enhanced, reply.text);
  dialogue_.flush_if_large();
}

void SmtpSession::reply(std::uint16_t code, std::string_view enhanced, std::string_view text) {
  reply({code, std::string(enhanced), std::string(text)});
}

void SmtpSession::refuse(const smtp::Refusal& refusal) {
  ++bad_commands_;
  refuse(Reply{refusal.code, std::string(refusal.enhanced), std::string(refusal.text)});
}

void SmtpSession::refuse(const Reply& refusal) {
  log::write("command-refused",
             {{"session", log::Id{facts_.connection}},
              {"reply", fmt::format("{} {} {}", refusal.code, refusal.enhanced, refusal.text)}});
  answer_refusal(refusal);
}

void SmtpSession::answer_refusal(const Reply& refusal) {
  if (refusal.code == 421) return leave_with(refusal);
  if (refusal.code >= 500) ++errors_;
  reply(refusal);
}

// The message was taken: its envelope is used.
void SmtpSession::end_transaction() {
  transaction_ = {};
  if (phase_ != Phase::fresh) phase_ = Phase::ready;
}

void SmtpSession::forget_transaction() {
  const bool open = phase_ != Phase::fresh && phase_ != Phase::ready;
  end_transaction();
  if (open) peers_.policy.reset();
}

// At the relay by the listener and by the device that the client is; asked for when it first matters.
const policy::Quirks& SmtpSession::forgiven() {
  if (facts_.service != Service::relay) return facts_.quirks;
  if (!forgiven_) forgiven_ = policy::forgiven_by_either(facts_.quirks, peers_.policy.device_quirks());
  return *forgiven_;
}

bool SmtpSession::may_log_in() const {
  return facts_.login == LoginOffer::always || (facts_.login == LoginOffer::with_tls && tls_on_);
}

}  // namespace mailroom
