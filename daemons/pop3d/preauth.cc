#include "daemons/pop3d/preauth.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "daemons/dialogue/dialogue.h"
#include "daemons/listener/login_limits.h"
#include "daemons/log.h"
#include "daemons/pop3d/capabilities.h"
#include "libcommon/protocol/pop3/bounds.h"
#include "libcommon/protocol/pop3/command.h"
#include "libcommon/protocol/pop3/response.h"
#include "libcommon/protocol/smtp/command.h"
#include "libcommon/text/base64.h"

namespace mailroom::pop3d {
namespace {

using pop3::Verb;

constexpr unsigned kMaxFailedLogins = 3;  // then the connection ends (SECURITY.md section 2)

// What the client is told of a failed login (RFC 2449 section 8, RFC 3206).
struct LoginRefusalText {
  AuthFailure::Kind kind;
  std::string_view code;
  std::string_view text;
};

constexpr LoginRefusalText kRefusals[] = {
    {AuthFailure::Kind::bad_credentials, "AUTH", "Name or password is wrong"},
    {AuthFailure::Kind::unavailable, "SYS/TEMP", "Logins cannot be checked now; try again later"},
    {AuthFailure::Kind::expired, "AUTH", "The password has expired; change it first"},
    {AuthFailure::Kind::service_off, "SYS/PERM", "This account may not use POP3; ask your postmaster"},
    {AuthFailure::Kind::too_many, "SYS/TEMP", "Too many failed logins; wait before you try again"},
    {AuthFailure::Kind::unsupported_mechanism, "", "Mechanism not supported; see SASL in the reply to CAPA"},
    {AuthFailure::Kind::malformed, "", "Not a message of this mechanism"},
};

class Preauth {
 public:
  Preauth(Stream& client, const PreauthFacts& facts, Authenticator& authenticator, TlsUpgrade& tls,
          Clock& clock)
      : facts_{facts}, authenticator_{authenticator}, tls_upgrade_{tls},
        dialogue_{client, clock, facts.login_timeout, clock.now() + facts.login_timeout}, tls_{facts.tls} {}

  std::optional<ProvedLogin> run();

 private:
  struct Row {
    Verb verb;
    void (Preauth::*handle)(std::string_view argument);
  };
  static const Row kRows[];

  void serve_command();
  void dispatch(std::string_view line);
  void auth(std::string_view argument);
  void capa(std::string_view argument);
  void pass(std::string_view argument);
  void quit(std::string_view argument);
  void stls(std::string_view argument);
  void user(std::string_view argument);

  std::optional<std::string> read_sasl_response(std::string_view challenge);
  void finish_login(const AuthStep& step);
  void finish_kpop();
  bool may_log_in() const { return tls_ == TlsState::active || facts_.plaintext_login || facts_.kpop; }
  bool refuse_without_tls();
  void ok(std::string_view text) { pop3::append_ok(dialogue_.out(), text); }
  void refuse(std::string_view code, std::string_view text);
  void leave_with(std::string_view text);

  const PreauthFacts& facts_;
  Authenticator& authenticator_;
  TlsUpgrade& tls_upgrade_;
  Dialogue dialogue_;
  TlsState tls_;
  std::optional<std::string> user_;
  bool ended_ = false;
  bool proved_ = false;
  std::string notice_;
  unsigned errors_ = 0;
  unsigned served_ = 0;  // commands
  unsigned failed_logins_ = 0;
};

constexpr Preauth::Row Preauth::kRows[] = {
    {Verb::auth, &Preauth::auth}, {Verb::capa, &Preauth::capa}, {Verb::pass, &Preauth::pass},
    {Verb::quit, &Preauth::quit}, {Verb::stls, &Preauth::stls}, {Verb::user, &Preauth::user},
};

std::optional<ProvedLogin> Preauth::run() {
  ok(facts_.hostname + " POP3 mailroom");
  while (!ended_ && !proved_) serve_command();
  dialogue_.flush();
  if (!proved_) return std::nullopt;
  return ProvedLogin{notice_, std::string(dialogue_.input())};
}

void Preauth::serve_command() {
  const auto line = dialogue_.read_line(pop3::kMaxAuthLine);
  if (++served_ > kMaxCommandsBeforeLogin) return leave_with("Too many commands without a login");
  if (!line) {
    refuse({}, "Line too long");
  } else {
    dispatch(*line);
  }
  if (errors_ >= facts_.max_errors && !ended_ && !proved_)
    leave_with("Too many errors; correct them before you connect again");
}

void Preauth::dispatch(std::string_view line) {
  if (smtp::is_http_request(line)) return leave_with("This is a mail server; it does not speak HTTP");
  const auto command = pop3::split_command_line(line);
  if (!command) return leave_with("A line must end in CRLF and have no other CR, LF or NUL");
  if (line.size() > pop3::kMaxCommandLine && command->verb != Verb::auth) return refuse({}, "Line too long");
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const Row& each) { return each.verb == command->verb; });
  if (row == std::end(kRows)) return refuse({}, "Log in first; see CAPA");
  (this->*row->handle)(command->argument);
}

void Preauth::capa(std::string_view) {
  ok("Capabilities:");
  // KPOP's client has shown its ticket already.
  const auto mechanisms = facts_.kpop ? std::vector<std::string>{} : authenticator_.mechanisms();
  dialogue_.out() += capabilities_before_login(tls_, may_log_in(), mechanisms);
}

void Preauth::quit(std::string_view) {
  ended_ = true;
  ok("Bye");
}

void Preauth::stls(std::string_view argument) {
  if (!argument.empty()) return refuse({}, "STLS takes no argument");
  if (tls_ == TlsState::active) return refuse({}, "TLS is on already");
  if (tls_ == TlsState::none) return refuse({}, "TLS is not offered here");
  if (dialogue_.has_input()) return leave_with("Wait for the reply to STLS before you go on");
  ok("Begin TLS now");
  dialogue_.flush();
  dialogue_.set_deadline(facts_.tls_timeout);
  dialogue_.switch_to(tls_upgrade_.start());
  tls_ = TlsState::active;
  user_.reset();  // nothing that was said in the clear is remembered (RFC 2595 section 4)
}

bool Preauth::refuse_without_tls() {
  if (may_log_in()) return false;
  refuse({}, tls_ == TlsState::available ? "Switch on TLS first: STLS, or port 995"
                                         : "Switch on TLS first: port 995");
  return true;
}

// The same for every name (SECURITY.md V13).
void Preauth::user(std::string_view argument) {
  if (refuse_without_tls()) return;
  if (argument.empty()) return refuse({}, "Syntax: USER name");
  user_ = argument;
  ok("Now PASS");
}

void Preauth::pass(std::string_view argument) {
  if (refuse_without_tls()) return;
  if (!user_) return refuse({}, "Send USER first");
  if (facts_.kpop) return finish_kpop();
  const std::string message = sasl_plain_message(*user_, argument);
  user_.reset();
  finish_login(authenticator_.start("PLAIN", message));
}

void Preauth::finish_kpop() {
  const std::string user = *std::exchange(user_, std::nullopt);
  finish_login(authenticator_.respond(user));
  ended_ = ended_ || !proved_;  // the ticket is used up
}

void Preauth::auth(std::string_view argument) {
  if (facts_.kpop) return refuse({}, "Send USER: your ticket says who you are");
  if (refuse_without_tls()) return;
  const auto arguments = pop3::parse_auth(argument);
  if (!arguments) return refuse({}, "Syntax: AUTH mechanism [initial-response]");
  std::optional<std::string> initial;
  if (arguments->initial_response) {
    initial = *arguments->initial_response == "=" ? "" : decode_base64(*arguments->initial_response);
    if (!initial) return refuse({}, "The initial response is not base64");
  }
  AuthStep step = authenticator_.start(arguments->mechanism, initial);
  while (const auto* challenge = std::get_if<AuthChallenge>(&step)) {
    const auto response = read_sasl_response(challenge->data);
    if (!response) return authenticator_.cancel();
    step = authenticator_.respond(*response);
  }
  finish_login(step);
}

// Nothing when the exchange is over; the client has been answered then.
std::optional<std::string> Preauth::read_sasl_response(std::string_view challenge) {
  dialogue_.out().append("+ ").append(encode_base64(challenge)).append("\r\n");
  const auto line = dialogue_.read_line(pop3::kMaxAuthLine);
  if (line && !line->ends_with("\r\n")) {
    leave_with("A line must end in CRLF");
    return std::nullopt;
  }
  const std::string_view text = line ? line->substr(0, line->size() - 2) : "";
  auto response = line ? decode_base64(text) : std::nullopt;
  if (!response)
    refuse({}, !line ? "Line too long" : text == "*" ? "Login given up" : "The response is not base64");
  return response;
}

void Preauth::finish_login(const AuthStep& step) {
  if (const auto* success = std::get_if<AuthSuccess>(&step)) {
    proved_ = true;
    if (success->password_days) notice_ = password_notice(*success->password_days);
    return;
  }
  const auto* failure = std::get_if<AuthFailure>(&step);
  if (failure == nullptr) authenticator_.cancel();  // a question where PLAIN has none
  const auto kind = failure != nullptr ? failure->kind : AuthFailure::Kind::unavailable;
  const auto* row = std::find_if(std::begin(kRefusals), std::end(kRefusals),
                                 [kind](const LoginRefusalText& each) { return each.kind == kind; });
  refuse(row->code, row->text);
  if (++failed_logins_ >= kMaxFailedLogins) {
    ended_ = true;
    dialogue_.flush_farewell();
  }
}

void Preauth::refuse(std::string_view code, std::string_view text) {
  ++errors_;
  log::write("command-refused", {{"session", log::Id{facts_.connection}}, {"reply", text}});
  pop3::append_error(dialogue_.out(), code, text);
}

void Preauth::leave_with(std::string_view text) {
  ended_ = true;
  log::write("protocol-error", {{"session", log::Id{facts_.connection}}, {"reason", text}});
  pop3::append_error(dialogue_.out(), {}, text);
  dialogue_.flush_farewell();
}

}  // namespace

std::optional<ProvedLogin> run_preauth(Stream& client, const PreauthFacts& facts,
                                       Authenticator& authenticator, TlsUpgrade& tls, Clock& clock) {
  return Preauth(client, facts, authenticator, tls, clock).run();
}

void refuse_session(Stream& client, const std::string&) {
  std::string out;
  pop3::append_error(out, "SYS/TEMP", "Your mail cannot be opened now; try again later");
  client.write(out);
}

}  // namespace mailroom::pop3d
