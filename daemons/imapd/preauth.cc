#include "daemons/imapd/preauth.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "daemons/imapd/command_reader.h"
#include "daemons/imapd/output.h"
#include "daemons/listener/login_limits.h"
#include "libcommon/protocol/imap/arguments.h"
#include "libcommon/protocol/imap/limits.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/base64.h"

namespace mailroom::imapd {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kWritePatience{30};
constexpr const char* kTurnOnTls =
    "NO [PRIVACYREQUIRED] Turn on TLS (STARTTLS or port 993) in your mail program";

// What a client is told of a login that failed, after its tag.
std::string_view answer_to(AuthFailure::Kind kind) {
  switch (kind) {
  case AuthFailure::Kind::bad_credentials:
    return "NO [AUTHENTICATIONFAILED] The user name or the password is wrong";
  case AuthFailure::Kind::unavailable:
    return "NO [UNAVAILABLE] Logging in is not possible at the moment, please try again later";
  case AuthFailure::Kind::expired:
    return "NO [EXPIRED] The password has expired, please change it";
  case AuthFailure::Kind::service_off:
    return "NO [AUTHORIZATIONFAILED] This account may not use IMAP, please ask your administrator";
  case AuthFailure::Kind::too_many:
    return "NO [UNAVAILABLE] Too many failed logins, please wait some minutes";
  case AuthFailure::Kind::unsupported_mechanism:
    return "NO [CANNOT] This way to log in is not offered, choose another in your mail program";
  case AuthFailure::Kind::malformed:
    return "BAD The response does not follow the mechanism";
  }
  return "NO [SERVERBUG] Internal error";
}

// RFC 4959: "=" stands for an empty initial response.
std::optional<std::string> decode_initial(const std::string& text) {
  if (text == "=") return std::string{};
  return decode_base64(text);
}

class Preauth {
 public:
  Preauth(Stream& client, const PreauthFacts& facts, Authenticator& authenticator, TlsUpgrade& tls)
      : facts_{facts}, authenticator_{authenticator}, tls_{tls},
        tls_state_{facts.tls}, deadline_{steady_clock::now() + facts.login_timeout}, input_{client},
        output_{client, kWritePatience}, commands_{input_, output_, imap::kPreauthFrame, literal_gate} {}

  std::optional<ProvedLogin> run();

  // Commands.  Each answers with its tag, or sets login_ and leaves the answer to the session.
  void authenticate(imap::Scanner& in);
  void capability(imap::Scanner& in);
  void id(imap::Scanner& in);
  void login(imap::Scanner& in);
  void logout(imap::Scanner& in);
  void noop(imap::Scanner& in);
  void starttls(imap::Scanner& in);

 private:
  static LiteralVerdict literal_gate(std::string_view before);

  void serve_one();
  void dispatch(const std::string& text);
  void refused(const ReadRefusal& refusal);
  void count_error();
  void end_with(std::string_view bye);

  void answer(std::string_view text) { output_.line(fmt::format("{} {}", tag_, text)); }
  void bad(std::string_view text);
  bool arguments_are_good(const imap::Scanner& in);
  bool no_arguments(imap::Scanner& in);

  bool login_allowed() const { return tls_state_ == TlsState::active || facts_.plaintext_login; }
  std::string capabilities() const {
    return capabilities_before_login(tls_state_, login_allowed(), authenticator_.mechanisms());
  }
  void finish_exchange(AuthStep step);
  std::optional<std::string> response_to(const AuthChallenge& challenge);

  const PreauthFacts& facts_;
  Authenticator& authenticator_;
  TlsUpgrade& tls_;
  TlsState tls_state_;
  steady_clock::time_point deadline_;
  LineReader input_;
  Output output_;
  CommandReader commands_;
  std::string tag_;
  std::uint32_t errors_ = 0;
  unsigned served_ = 0;  // commands
  bool over_ = false;
  std::optional<ProvedLogin> login_;
};

enum class Literals : bool { refused, taken };

struct Verb {
  std::string_view name;
  Literals literals;
  void (Preauth::*run)(imap::Scanner&);
};

constexpr std::array<Verb, 7> kVerbs{{
    {"AUTHENTICATE", Literals::refused, &Preauth::authenticate},
    {"CAPABILITY", Literals::refused, &Preauth::capability},
    {"ID", Literals::taken, &Preauth::id},
    {"LOGIN", Literals::taken, &Preauth::login},
    {"LOGOUT", Literals::refused, &Preauth::logout},
    {"NOOP", Literals::refused, &Preauth::noop},
    {"STARTTLS", Literals::refused, &Preauth::starttls},
}};
static_assert(std::ranges::is_sorted(kVerbs, {}, &Verb::name));

const Verb* find_verb(std::string_view name) {
  const auto* const found = std::ranges::lower_bound(kVerbs, name, {}, &Verb::name);
  return found != kVerbs.end() && found->name == name ? found : nullptr;
}

LiteralVerdict Preauth::literal_gate(std::string_view before) {
  imap::Scanner in{before};
  const Verb* const verb = find_verb(imap::parse_head(in).name);
  return verb != nullptr && verb->literals == Literals::taken ? LiteralVerdict::take : LiteralVerdict::refuse;
}

void Preauth::end_with(std::string_view bye) {
  output_.line(fmt::format("* BYE {}", bye));
  over_ = true;
}

void Preauth::count_error() {
  if (++errors_ >= facts_.max_errors) end_with("Too many errors");
}

void Preauth::bad(std::string_view text) {
  answer(fmt::format("BAD {}", text));
  count_error();
}

bool Preauth::arguments_are_good(const imap::Scanner& in) {
  if (!in.ok()) bad(in.error().text);
  return in.ok();
}

bool Preauth::no_arguments(imap::Scanner& in) {
  in.end();
  return arguments_are_good(in);
}

void Preauth::refused(const ReadRefusal& refusal) {
  over_ = refusal.kind == ReadRefusal::Kind::closed;
  if (over_) return;
  tag_ = refusal.tag;
  bad(refusal.text);
  if (refusal.kind == ReadRefusal::Kind::lost && !over_) end_with("The literal is too large");
}

void Preauth::dispatch(const std::string& text) {
  if (imap::is_http_request(text)) {
    end_with("This is an IMAP server");
    return;
  }
  imap::Scanner in{text};
  const imap::CommandHead head = imap::parse_head(in);
  tag_ = head.tag.empty() ? "*" : head.tag;
  if (!arguments_are_good(in)) return;
  const Verb* const verb = find_verb(head.name);
  if (verb == nullptr) {
    bad("Unknown command, or one that needs a login first");
  } else {
    (this->*verb->run)(in);
  }
}

void Preauth::serve_one() {
  output_.read_until(deadline_);
  const auto command = commands_.read();
  if (command && ++served_ > kMaxCommandsBeforeLogin) {
    end_with("Too many commands without a login");
  } else if (command) {
    dispatch(command->text);
  } else {
    refused(command.error());
  }
}

std::optional<ProvedLogin> Preauth::run() {
  output_.line(fmt::format("* OK [CAPABILITY {}] {} mailroom ready", capabilities(), facts_.hostname));
  try {
    while (!over_ && !login_) serve_one();
  } catch (const StreamError& error) {
    if (error.kind != StreamError::Kind::timeout) throw;
    end_with("Nobody logged in");
  }
  output_.flush();
  return std::move(login_);
}

void Preauth::capability(imap::Scanner& in) {
  if (!no_arguments(in)) return;
  output_.line("* CAPABILITY " + capabilities());
  answer("OK Capabilities listed");
}

void Preauth::noop(imap::Scanner& in) {
  if (no_arguments(in)) answer("OK Nothing done");
}

void Preauth::logout(imap::Scanner& in) {
  if (!no_arguments(in)) return;
  end_with("Logging out");
  answer("OK Logged out");
}

void Preauth::id(imap::Scanner& in) {
  in.space();
  static_cast<void>(imap::parse_id(in));
  if (!arguments_are_good(in)) return;
  output_.line("* ID (\"name\" \"mailroom\")");
  answer("OK Pleased to meet you");
}

// RFC 3501 section 6.2.1.  A client that has sent more does not know whether it will be encrypted; it is
// disconnected, so that nothing of it can count as sent inside TLS (SECURITY.md V2).
void Preauth::starttls(imap::Scanner& in) {
  if (!no_arguments(in)) return;
  if (tls_state_ != TlsState::available) {
    bad(tls_state_ == TlsState::active ? "TLS is active already" : "TLS is not available here");
    return;
  }
  if (input_.has_buffered()) {
    bad("Nothing may be sent after STARTTLS before its answer");
    end_with("Closing, since commands came before TLS was active");
    return;
  }
  answer("OK Begin TLS now");
  output_.flush();
  Stream& protected_stream = tls_.start();
  input_.switch_to(protected_stream);
  output_.switch_to(protected_stream);
  tls_state_ = TlsState::active;
}

void Preauth::login(imap::Scanner& in) {
  if (!login_allowed()) {
    answer(kTurnOnTls);
    count_error();
    return;
  }
  in.space();
  const imap::LoginArguments arguments = imap::parse_login(in);
  if (!arguments_are_good(in)) return;
  finish_exchange(authenticator_.start("PLAIN", sasl_plain_message(arguments.user, arguments.password)));
}

void Preauth::authenticate(imap::Scanner& in) {
  if (!login_allowed()) {
    answer(kTurnOnTls);
    count_error();
    return;
  }
  in.space();
  const imap::AuthenticateArguments arguments = imap::parse_authenticate(in);
  if (!arguments_are_good(in)) return;
  const auto offered = authenticator_.mechanisms();
  if (std::ranges::find(offered, arguments.mechanism) == offered.end()) {
    finish_exchange(AuthFailure{AuthFailure::Kind::unsupported_mechanism});
    return;
  }
  std::optional<std::string> initial;
  if (arguments.initial_response) {
    initial = decode_initial(*arguments.initial_response);
    if (!initial) {
      bad("The initial response is not base64");
      return;
    }
  }
  finish_exchange(authenticator_.start(arguments.mechanism, initial));
}

void Preauth::finish_exchange(AuthStep step) {
  while (const auto* challenge = std::get_if<AuthChallenge>(&step)) {
    const auto response = response_to(*challenge);
    if (!response) {
      authenticator_.cancel();
      return;
    }
    step = authenticator_.respond(*response);
  }
  if (const auto* failure = std::get_if<AuthFailure>(&step)) {
    answer(answer_to(failure->kind));
    count_error();
    return;
  }
  const auto& days = std::get<AuthSuccess>(step).password_days;
  if (days) output_.line("* OK [ALERT] " + password_notice(*days));
  login_ = ProvedLogin{tag_, std::string{input_.buffered()}};
}

// The client's next line of an exchange; nothing when it gave up or broke the rules, which has then been
// answered.
std::optional<std::string> Preauth::response_to(const AuthChallenge& challenge) {
  output_.line("+ " + encode_base64(challenge.data));
  output_.flush();
  const auto line = input_.read_line(imap::kMaxSaslLine);
  if (!line) {
    over_ = line.error() == LineError::closed;
    if (!over_) bad("The response is too long");
    return std::nullopt;
  }
  if (!line->ends_with("\r\n")) {
    bad("A line ends with CR LF");
    return std::nullopt;
  }
  const std::string_view text = line->substr(0, line->size() - 2);
  auto octets = text == "*" ? std::nullopt : decode_base64(text);
  if (!octets) bad(text == "*" ? "Cancelled" : "The response is not base64");
  return octets;
}

}  // namespace

std::optional<ProvedLogin> run_preauth(Stream& client, const PreauthFacts& facts,
                                       Authenticator& authenticator, TlsUpgrade& tls) {
  return Preauth{client, facts, authenticator, tls}.run();
}

void refuse_session(Stream& client, const std::string& context) {
  Output output{client, kWritePatience};
  output.line("* BYE Closing");
  output.line(fmt::format("{} {}", context, answer_to(AuthFailure::Kind::unavailable)));
  output.flush();
}

}  // namespace mailroom::imapd
