#include "tools/session_trial.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemons/config/tables.h"
#include "daemons/listener/login_failure.h"
#include "daemons/listener/tls_rules.h"
#include "daemons/smtpd/session.h"
#include "libcommon/policy/quirks.h"
#include "libcommon/protocol/smtp/command.h"
#include "libcommon/protocol/smtp/reply_parser.h"
#include "libcommon/text/base64.h"
#include "libcommon/tls/handshake_trial.h"

namespace mailroom {
namespace {

enum class Step : std::uint8_t { connect, ehlo, starttls, auth, mail, rcpt };

// What a refusal at that step is called; one of a recipient has a rule of the policy.
struct StepRow {
  std::string_view rule;
  std::string_view when;
};
constexpr StepRow kSteps[] = {
    {"tls", "The TLS handshake fails: the client and this listener have no version or cipher in common."},
    {"helo",
     "The name in EHLO or HELO is neither a domain nor an address, and that is not forgiven (any-helo)."},
    {"tls", "The TLS handshake fails: what the client can is less than the listener or the device takes."},
    {"login", "The login is refused, even with the right password."},
    {"mail", "The session refuses the sender before policyd is asked."},
    {"rcpt", "The session refuses the recipient before policyd is asked."},
};

std::string_view version_word(TlsVersion version) {
  constexpr std::string_view kWords[] = {"TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};
  return kWords[static_cast<std::size_t>(version)];
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The client's side: after each reply it says the next command.
class ScriptedClient : public Stream {
 public:
  explicit ScriptedClient(const TrialClient& client) : client_{client} {}

  std::size_t read(std::span<char> into) override {
    if (unread_.empty()) unread_ = next_command();
    const std::size_t size = std::min(into.size(), unread_.size());
    unread_.copy(into.data(), size);
    unread_.erase(0, size);
    return size;
  }
  void write(std::string_view bytes) override { received_ += bytes; }
  void set_deadline(std::chrono::steady_clock::time_point) override {}

  Step step() const { return step_; }
  bool was_greeted() const { return greeted_; }
  bool offers_login() const { return offers_login_; }
  // To the last command.
  smtp::ServerReply reply() {
    take_reply();
    return reply_;
  }

 private:
  void take_reply() {
    smtp::ReplyParser parser;
    const auto fed = parser.feed(std::exchange(received_, {}));
    if (fed && fed->complete) reply_ = parser.take();
  }
  std::string next_command() {
    take_reply();
    if (reply_.is_refusal() || step_ == Step::rcpt) return {};
    if (step_ == Step::connect) return say(Step::ehlo, "EHLO " + client_.helo);
    if (step_ == Step::ehlo) return after_greeting();
    if (step_ == Step::starttls) return say(Step::ehlo, "EHLO " + client_.helo);
    const std::string utf8 = is_ascii(client_.sender + client_.recipient) ? "" : " SMTPUTF8";
    if (step_ == Step::auth) return say(Step::mail, fmt::format("MAIL FROM:<{}>{}", client_.sender, utf8));
    return say(Step::rcpt, fmt::format("RCPT TO:<{}>", client_.recipient));
  }
  std::string after_greeting() {
    const auto offers = [&](std::string_view word) {
      return std::ranges::any_of(reply_.lines,
                                 [&](const std::string& line) { return line.starts_with(word); });
    };
    greeted_ = true;
    offers_login_ = offers("AUTH ");
    if (client_.newest_tls && offers("STARTTLS")) return say(Step::starttls, "STARTTLS");
    step_ = Step::auth;
    if (client_.login.empty()) return next_command();
    return say(Step::auth, "AUTH PLAIN " + encode_base64(sasl_plain_message(client_.login, "right")));
  }
  std::string say(Step step, std::string_view line) {
    step_ = step;
    reply_ = {};
    return fmt::format("{}\r\n", line);
  }

  const TrialClient& client_;
  std::string received_, unread_;
  smtp::ServerReply reply_;
  Step step_ = Step::connect;
  bool greeted_ = false;
  bool offers_login_ = false;  // in the last answer to EHLO
};

// What the engine asks, answered by policyd and, for the handshake, by OpenSSL.
class Server : public Policy, public Authenticator, public TlsUpgrade, public Spool {
 public:
  Server(const Config& config, const ListenerConfig& listener, const TrialClient& client, Stream& stream,
         const AskPolicyd& ask)
      : config_{config}, listener_{listener}, client_{client}, stream_{stream}, ask_{ask} {}

  Verdict check_sender(const CheckSender& question) override {
    return decide(Step::mail, question.transaction,
                  about(policy::Stage::sender, question.reverse_path, client_.recipient));
  }
  Verdict check_recipient(const CheckRecipient& question) override {
    return decide(Step::rcpt, question.transaction,
                  about(policy::Stage::recipient, question.reverse_path, question.forward_path));
  }
  policy::Quirks device_quirks() override { return of_device = ask_(about_client()).quirks; }
  void reset() override {}

  std::vector<std::string> mechanisms() const override { return {"PLAIN"}; }
  AuthStep start(std::string_view, std::optional<std::string_view>) override {
    login_ = client_.login;
    const auto refused = ask_(about_client()).login_refused;
    if (!refused) return AuthSuccess{};
    login_.clear();
    return AuthFailure{failure_of(*refused)};
  }
  AuthStep respond(std::string_view) override { return AuthFailure{}; }
  void cancel() override {}

  void forgive(const policy::Quirks& quirks) override { tolerance = tolerance_of(quirks); }
  Stream& start() override {
    if (!begins_with_tls()) throw StreamError{StreamError::Kind::failed, handshake->error()};
    return stream_;
  }
  bool begins_with_tls() {
    handshake = tls::try_handshake(tls_settings(config_, listener_, "smtp"),
                                   static_cast<tls::Version>(*client_.newest_tls), tolerance);
    return handshake->has_value();
  }

  void begin(TransactionId) override {}
  void write(std::string) override {}
  Reply commit(std::string) override { return {}; }
  void abort() override {}

  // What has come of it.
  std::optional<MailExplained> decided;     // by policyd,
  Step decided_at = Step::connect;          // last
  policy::Quirks of_device;                 // what is forgiven it
  std::optional<tls::Tolerance> tolerance;  // in place of the listener's
  std::optional<std::expected<tls::HandshakeFacts, std::string>> handshake;

 private:
  ExplainMail about(policy::Stage stage, const std::string& sender, const std::string& recipient) const {
    return {stage, listener_.service, client_.address, login_, sender, recipient};
  }
  ExplainMail about_client() const {
    return about(policy::Stage::recipient, client_.sender, client_.recipient);
  }
  Verdict decide(Step step, TransactionId transaction, const ExplainMail& question) {
    decided = ask_(question);
    decided_at = step;
    return {transaction, decided->reply, decided->rule, decided->accepted ? QueueId{1} : QueueId{0}};
  }

  const Config& config_;
  const ListenerConfig& listener_;
  const TrialClient& client_;
  Stream& stream_;
  const AskPolicyd& ask_;
  std::string login_;  // empty: nobody has logged in
};

std::string line_of(const ListenerConfig& listener) {
  Config only;
  only.listeners = {listener};
  return "listen " + config::schema().find("listen")->show(only).front();
}

ExplainedFact helo_fact(const TrialClient& client, const SmtpFacts& facts, const Server& server) {
  const bool is_name = smtp::parse_helo(client.helo).has_value();
  const bool by_listener = facts.quirks.any_helo, by_device = server.of_device.any_helo;
  const std::string_view why = is_name       ? "a domain or an address"
                               : by_listener ? "no name: the listener forgives it (any-helo)"
                               : by_device   ? "no name: it is forgiven the device (any-helo)"
                                             : "no name, and neither listener nor device has any-helo";
  return {"helo", is_name || by_listener || by_device ? "good" : "bad",
          fmt::format("\"{}\": {}", client.helo, why)};
}

std::string needed_words(const tls::Tolerance& tolerance) {
  return fmt::format("{}{}", version_word(static_cast<TlsVersion>(tolerance.oldest)),
                     tolerance.old_ciphers ? ", old ciphers too" : "");
}

ExplainedFact tls_fact(const TrialClient& client, const SmtpFacts& facts, const Server& server) {
  if (facts.tls == TlsMode::none) return {"tls", "none", "not offered at this port"};
  if (!client.newest_tls) return {"tls", "none", "the client knows none"};
  if (!server.handshake) return {"tls", "none", "it does not come to that"};
  const tls::Tolerance listeners = tolerance_of(facts.quirks);
  const tls::Tolerance tolerance = server.tolerance.value_or(listeners);
  return {"tls", *server.handshake ? (*server.handshake)->version : "failed",
          fmt::format("client: at most {}; oldest taken here: {}, by the {}",
                      version_word(*client.newest_tls), needed_words(tolerance),
                      tolerance == listeners ? "listener" : "device")};
}

ExplainedFact login_fact(const SmtpFacts& facts, const ScriptedClient& stream) {
  constexpr std::string_view kOffers[] = {"no logins at this class", "only with TLS", "without TLS too"};
  return {"auth", stream.offers_login() ? "offered" : "not offered",
          std::string{kOffers[static_cast<std::size_t>(facts.login)]}};
}

// How it has ended.
void conclude(SessionTrial& trial, ScriptedClient& stream, const Server& server) {
  const bool by_policy = server.decided && server.decided_at == stream.step();
  if (by_policy) {
    trial.reply = server.decided->reply;
    trial.rule = server.decided->rule;
    trial.when = server.decided->when;
    return;
  }
  const StepRow& row = kSteps[static_cast<std::size_t>(stream.step())];
  trial.rule = row.rule;
  trial.when = row.when;
  if (server.handshake && !*server.handshake) {
    trial.reply = {0, "", server.handshake->error()};
  } else if (stream.step() == Step::connect) {
    trial.reply = {0, "", "this port begins with TLS, and the client knows none"};
  } else {
    const smtp::ServerReply reply = stream.reply();
    trial.reply = {reply.code, reply.enhanced, reply.text()};
  }
}

}  // namespace

SessionTrial try_session(const Config& config, const ListenerConfig& listener, const TrialClient& client,
                         const AskPolicyd& ask) {
  const SmtpFacts facts = facts_of(config, listener);
  ScriptedClient stream{client};
  Server server{config, listener, client, stream, ask};
  SystemClock clock;
  if (facts.tls != TlsMode::implicit || (client.newest_tls && server.begins_with_tls()))
    run_smtp(facts, {stream, server, server, server, server, clock});
  SessionTrial trial;
  conclude(trial, stream, server);
  trial.facts = {{"port", fmt::format("{}", listener.address.port), line_of(listener)},
                 helo_fact(client, facts, server),
                 tls_fact(client, facts, server)};
  if (stream.was_greeted()) trial.facts.push_back(login_fact(facts, stream));
  return trial;
}

}  // namespace mailroom
