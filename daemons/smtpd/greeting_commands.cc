// HELO and EHLO, and the commands that belong to no transaction.
#include <fmt/format.h>

#include "daemons/smtpd/session.h"
#include "libcommon/protocol/smtp/command.h"

namespace mailroom {

bool SmtpSession::take_greeting(std::string_view argument, Greeting greeting) {
  const auto name = smtp::parse_helo(argument);
  if (!name && !forgiven().any_helo) {
    refuse(name.error());
    return false;
  }
  forget_transaction();
  ++idle_commands_;
  helo_ = name.value_or("");
  greeting_ = greeting;
  phase_ = Phase::ready;
  return true;
}

void SmtpSession::helo(std::string_view argument) {
  if (take_greeting(argument, Greeting::helo)) reply(250, "", facts_.hostname);
}

void SmtpSession::ehlo(std::string_view argument) {
  if (!take_greeting(argument, Greeting::ehlo)) return;
  std::string lines = facts_.hostname + "\nPIPELINING\n";
  lines += fmt::format("SIZE {}\n", limits_.max_message_size);
  if (facts_.tls == TlsMode::starttls && !tls_on_) lines += "STARTTLS\n";
  if (may_log_in()) lines += fmt::format("AUTH {}\n", fmt::join(peers_.authenticator.mechanisms(), " "));
  if (tls_on_) lines += "REQUIRETLS\n";  // RFC 8689 2
  lines += "ENHANCEDSTATUSCODES\n8BITMIME\nSMTPUTF8\nCHUNKING\nDSN\nHELP";
  reply(250, "", lines);
}

void SmtpSession::rset(std::string_view argument) {
  if (const auto none = smtp::expect_no_argument(argument); !none) return refuse(none.error());
  ++idle_commands_;
  forget_transaction();
  reply(250, "2.0.0", "Reset");
}

void SmtpSession::noop(std::string_view) {
  ++idle_commands_;
  reply(250, "2.0.0", "OK");
}

void SmtpSession::help(std::string_view) {
  ++idle_commands_;
  std::string names = "Commands:";
  for (const VerbRow& row : verb_rows()) names.append(" ").append(row.name);
  reply(214, "2.0.0", names);
}

// Says nothing of who exists (SECURITY.md V13, RFC 5321 section 7.3).
void SmtpSession::vrfy(std::string_view argument) {
  ++idle_commands_;
  if (argument.empty()) return refuse(smtp::Refusal{501, "5.5.4", "Syntax: VRFY address"});
  reply(252, "2.0.0", "Not verified here; send a message and see");
}

void SmtpSession::expn(std::string_view) {
  refuse(smtp::Refusal{502, "5.5.1", "Lists are not expanded here"});
}

void SmtpSession::quit(std::string_view argument) {
  if (const auto none = smtp::expect_no_argument(argument); !none) return refuse(none.error());
  ended_ = true;
  reply(221, "2.0.0", facts_.hostname + " closes the connection");
  dialogue_.flush();
}

}  // namespace mailroom
