// MAIL and RCPT.  Whether a recipient is taken is the policy's word; only what concerns the protocol is
// decided here.
#include <fmt/format.h>

#include "daemons/smtpd/session.h"
#include "libcommon/protocol/smtp/command.h"

namespace mailroom {
namespace {

ReturnContent return_content(smtp::Ret ret) {
  switch (ret) {
  case smtp::Ret::unset:
    return ReturnContent::unset;
  case smtp::Ret::full:
    return ReturnContent::full;
  case smtp::Ret::headers:
    return ReturnContent::headers;
  }
  return ReturnContent::unset;
}

MailParameters parameters_of(const smtp::MailArguments& arguments) {
  MailParameters parameters;
  parameters.declared_size = arguments.size;
  parameters.body =
      arguments.body == smtp::Body::eight_bit_mime ? BodyType::eight_bit_mime : BodyType::seven_bit;
  parameters.smtputf8 = arguments.smtputf8;
  parameters.requiretls = arguments.requiretls;
  parameters.ret = return_content(arguments.ret);
  parameters.envid = arguments.envid;
  return parameters;
}

}  // namespace

bool SmtpSession::may_send() const { return facts_.service != Service::submission || logged_in_; }

void SmtpSession::mail(std::string_view argument) {
  if (!may_send()) return refuse(Reply{530, "5.7.0", "Log in first (AUTH)"});
  const auto arguments = smtp::parse_mail(argument);
  if (!arguments) return refuse(arguments.error());
  if (arguments->requiretls && !tls_on_)  // RFC 8689 4.1
    return refuse(Reply{530, "5.7.10", "REQUIRETLS needs TLS on this connection"});
  if (arguments->size > limits_.max_message_size) {
    return refuse(
        Reply{552, "5.3.4", fmt::format("A message may have at most {} octets", limits_.max_message_size)});
  }
  if (++messages_ > limits_.max_messages) {
    return leave_with({421, "4.7.0", "Enough messages for one connection; connect again for more"});
  }
  open_transaction(arguments->reverse_path ? arguments->reverse_path->text() : "", parameters_of(*arguments));
  if (logged_in_) {
    const Verdict verdict = peers_.policy.check_sender({transaction_id_, transaction_.reverse_path});
    if (!verdict.reply.accepted()) {
      forget_transaction();
      return refuse_by(verdict);
    }
  }
  reply(250, "2.1.0", "Sender OK");
}

void SmtpSession::open_transaction(std::string reverse_path, MailParameters parameters) {
  ++transaction_id_;
  transaction_ = {};
  transaction_.reverse_path = std::move(reverse_path);
  transaction_.parameters = std::move(parameters);
  phase_ = Phase::mail;
  idle_commands_ = 0;
}

void SmtpSession::rcpt(std::string_view argument) {
  const auto smtputf8 = transaction_.parameters.smtputf8 ? smtp::Smtputf8::yes : smtp::Smtputf8::no;
  const auto arguments = smtp::parse_rcpt(argument, smtputf8);
  if (!arguments) return refuse(arguments.error());
  if (!may_add_recipient()) return;
  CheckRecipient request;
  request.transaction = transaction_id_;
  request.helo = helo_;
  request.reverse_path = transaction_.reverse_path;
  request.mail = transaction_.parameters;
  request.forward_path = arguments->forward_path.text();
  request.recipient = {arguments->notify, arguments->orcpt};
  take_verdict(peers_.policy.check_recipient(request));
}

bool SmtpSession::may_add_recipient() {
  // Not an error of the client: it sends the rest in another transaction (RFC 5321 section 4.5.3.1.10).
  if (transaction_.recipients >= limits_.max_recipients) {
    reply(452, "4.5.3", "Too many recipients; send to the others in another message");
    return false;
  }
  // A notification answers one message of one sender (SECURITY.md V16).
  const bool notification = transaction_.reverse_path.empty() && facts_.service == Service::mx;
  if (notification && transaction_.recipients > 0) {
    refuse(Reply{550, "5.5.3", "A message from <> has one recipient"});
    return false;
  }
  return true;
}

void SmtpSession::take_verdict(const Verdict& verdict) {
  if (verdict.reply.accepted()) {
    ++transaction_.recipients;
    transaction_.queue_id = verdict.queue_id;
    phase_ = Phase::recipients;
    return reply(verdict.reply);
  }
  delay_refusal();
  refuse_by(verdict);
}

// A verdict that policyd gave, it has logged; one without a rule stands for its silence.
void SmtpSession::refuse_by(const Verdict& verdict) {
  if (verdict.rule.empty()) return refuse(verdict.reply);
  answer_refusal(verdict.reply);
}

// A client that tries names is slowed down (SECURITY.md V13).
void SmtpSession::delay_refusal() {
  if (logged_in_ || errors_ < limits_.max_errors / 2) return;
  dialogue_.flush();
  peers_.clock.pause(limits_.error_delay);
}

}  // namespace mailroom
