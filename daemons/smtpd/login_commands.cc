// STARTTLS (RFC 3207) and AUTH (RFC 4954).
#include "daemons/smtpd/session.h"
#include "daemons/smtpd/session_limits.h"
#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/command.h"
#include "libcommon/text/base64.h"

namespace mailroom {
namespace {

Reply reply_to(AuthFailure::Kind kind) {
  switch (kind) {
  case AuthFailure::Kind::bad_credentials:
    return {535, "5.7.8", "Name or password is wrong"};
  case AuthFailure::Kind::unavailable:
    return {454, "4.7.0", "Logins cannot be checked now; try again later"};
  case AuthFailure::Kind::expired:
    return {535, "5.7.8", "The password has expired; change it first"};
  case AuthFailure::Kind::service_off:
    return {535, "5.7.1", "This account may not send mail here; ask your postmaster"};
  case AuthFailure::Kind::too_many:
    return {421, "4.7.0", "Too many failed logins; wait before you try again"};
  case AuthFailure::Kind::unsupported_mechanism:
    return {504, "5.5.4", "Mechanism not supported; see AUTH in the reply to EHLO"};
  case AuthFailure::Kind::malformed:
    return {501, "5.5.2", "Not a message of this mechanism"};
  }
  return {454, "4.7.0", "Logins cannot be checked now; try again later"};
}

}  // namespace

void SmtpSession::starttls(std::string_view argument) {
  if (const auto none = smtp::expect_no_argument(argument); !none) return refuse(none.error());
  if (tls_on_) return refuse(smtp::Refusal{503, "5.5.1", "TLS is on already"});
  if (facts_.tls != TlsMode::starttls) return refuse(smtp::Refusal{502, "5.5.1", "TLS is not offered here"});
  if (logged_in_) return refuse(smtp::Refusal{503, "5.5.1", "Use STARTTLS before AUTH"});
  if (dialogue_.has_input()) {
    return leave_with({554, "5.5.1", "Wait for the reply to STARTTLS before you go on"});
  }
  if (facts_.old_tls_for_devices) peers_.tls.forgive(forgiven());
  reply(220, "2.0.0", "Begin TLS now");
  dialogue_.flush();
  dialogue_.set_deadline(facts_.tls_timeout);
  dialogue_.switch_to(peers_.tls.start());

  // Nothing that was said in the clear is remembered (RFC 3207 section 4.2).
  tls_on_ = true;
  helo_.clear();
  greeting_ = Greeting::none;
  phase_ = Phase::fresh;
}

void SmtpSession::auth(std::string_view argument) {
  if (facts_.login == LoginOffer::never)
    return refuse(smtp::Refusal{502, "5.5.1", "Logins are not taken on this port"});
  if (logged_in_) return refuse(smtp::Refusal{503, "5.5.1", "You are logged in already"});
  if (!may_log_in()) return refuse(smtp::Refusal{530, "5.7.0", "Switch on TLS first (STARTTLS)"});
  const auto arguments = smtp::parse_auth(argument);
  if (!arguments) return refuse(arguments.error());

  std::optional<std::string> initial;
  if (arguments->initial_response) {
    initial = *arguments->initial_response == "=" ? "" : decode_base64(*arguments->initial_response);
    if (!initial) return refuse(smtp::Refusal{501, "5.5.2", "The initial response is not base64"});
  }
  AuthStep step = peers_.authenticator.start(arguments->mechanism, initial);
  while (const auto* challenge = std::get_if<AuthChallenge>(&step)) {
    const auto response = read_sasl_response(challenge->data);
    if (!response) return peers_.authenticator.cancel();
    step = peers_.authenticator.respond(*response);
  }
  finish_login(step);
}

// Nothing when the exchange is over; the client has been answered then.
std::optional<std::string> SmtpSession::read_sasl_response(std::string_view challenge) {
  reply(334, "", encode_base64(challenge));
  const auto line = dialogue_.read_line(smtp::kMaxAuthLine);
  if (!line) {
    refuse(smtp::Refusal{500, "5.5.6", "Line too long"});
    return std::nullopt;
  }
  if (!line->ends_with("\r\n")) {
    leave_with({500, "5.5.2", "A line must end in CRLF"});
    return std::nullopt;
  }
  const std::string_view text = line->substr(0, line->size() - 2);
  if (text == "*") {
    refuse(smtp::Refusal{501, "5.7.0", "Login given up"});
    return std::nullopt;
  }
  auto response = decode_base64(text);
  if (!response) refuse(smtp::Refusal{501, "5.5.2", "The response is not base64"});
  return response;
}

void SmtpSession::finish_login(const AuthStep& step) {
  if (const auto* failure = std::get_if<AuthFailure>(&step)) return refuse_login(failure->kind);
  logged_in_ = true;
  forgiven_.reset();
  const auto& days = std::get<AuthSuccess>(step).password_days;
  reply(235, "2.7.0", days ? password_notice(*days) : "You are logged in");
}

void SmtpSession::refuse_login(AuthFailure::Kind kind) {
  const bool try_again = ++failed_logins_ < kMaxFailedLogins;
  refuse(reply_to(kind));
  if (!try_again && !ended_) leave_with({421, "4.7.0", "Too many failed logins on this connection"});
}

}  // namespace mailroom
