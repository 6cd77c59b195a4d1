#include "daemons/relayd/session.h"

#include "libcommon/text/ascii.h"
#include "libcommon/text/base64.h"

namespace mailroom::relayd {
namespace {

using routing::Protocol;
using routing::TlsLevel;

constexpr std::uint16_t kServiceReady = 220;
constexpr std::uint16_t kClosing = 421;
constexpr std::uint16_t kLoggedIn = 235;
constexpr std::uint16_t kLoginChallenge = 334;

// Thrown to the top of open_session.
struct Failed {
  SessionFailure why;
};

[[noreturn]] void fail(RelayFailure failure, std::string detail, Reply reply = {},
                       std::string tls_result = {}) {
  throw Failed{{.host = {},
                .address = {},
                .failure = failure,
                .reply = std::move(reply),
                .detail = std::move(detail),
                .tls_result = std::move(tls_result)}};
}

[[noreturn]] void fail_by(RelayFailure failure, const smtp::ServerReply& reply, std::string detail) {
  if (!reply.is_refusal()) throw Cut("an unexpected reply");
  fail(failure, std::move(detail), to_reply(reply));
}

class Opening {
 public:
  Opening(const ClientFacts& facts, const SessionRequest& request, Link& link, Exchange& exchange)
      : facts_{facts}, request_{request}, link_{link}, exchange_{exchange} {}

  Session run() {
    session_.protocol = request_.protocol;
    if (request_.protocol == Protocol::smtps) start_tls();
    greeting();
    hello();
    if (request_.protocol != Protocol::smtps && request_.tls.level != TlsLevel::never) upgrade();
    check_requiretls();
    if (request_.credentials != nullptr) log_in();
    return std::move(session_);
  }

 private:
  void greeting() {
    const smtp::ServerReply reply = exchange_.reply(facts_.limits.greeting_timeout);
    if (reply.code != kServiceReady) fail_by(RelayFailure::greeting, reply, "the far side does not greet");
    check_loop(reply);
  }

  // A local LMTP server may well have our name.  Mail that loops is returned: where the host must prove what
  // it is, nobody on the way can bring that about by saying our name before.
  void check_loop(const smtp::ServerReply& reply) {
    const bool is_unproved = request_.tls.level >= TlsLevel::dane && session_.tls.empty();
    if (request_.protocol == Protocol::lmtp || is_unproved) return;
    const std::string_view line = reply.lines.front();
    if (equals_ignoring_case(line.substr(0, line.find(' ')), facts_.hostname))
      fail(RelayFailure::loop, "the far side has our own name", to_reply(reply));
  }

  void hello() {
    const bool lmtp = request_.protocol == Protocol::lmtp;
    const auto reply = ask((lmtp ? "LHLO " : "EHLO ") + facts_.hostname);
    if (reply.is_positive()) {
      check_loop(reply);
      session_.capabilities = smtp::parse_capabilities(reply);
    } else if (reply.code >= 500 && !lmtp) {
      plain_hello();
    } else {
      fail_by(RelayFailure::greeting, reply, "the far side refuses our name");
    }
  }

  // RFC 5321 3.2: a server that knows no EHLO.
  void plain_hello() {
    const auto reply = ask("HELO " + facts_.hostname);
    if (!reply.is_positive()) fail_by(RelayFailure::greeting, reply, "the far side refuses our name");
    check_loop(reply);
    session_.capabilities = {};
  }

  void upgrade() {
    const bool must = request_.tls.level != TlsLevel::may;
    if (!session_.capabilities.starttls) {
      if (must) fail(RelayFailure::tls_unavailable, "STARTTLS is not offered", {}, "starttls-not-supported");
      return;
    }
    const auto reply = ask("STARTTLS");
    if (reply.code == kServiceReady) {
      if (exchange_.has_input()) throw Cut("octets behind the reply to STARTTLS");
      start_tls();
      hello();
    } else if (must || reply.code == kClosing) {
      fail_by(RelayFailure::tls_unavailable, reply, "STARTTLS is refused");
    } else if (!reply.is_refusal()) {
      throw Cut("an unexpected reply");
    }
  }

  // A try without TLS may follow a handshake that stalls (Client::connect).
  Exchange::Time handshake_deadline() const {
    const std::chrono::milliseconds time{facts_.tls_timeout};
    const bool may_do_without = request_.tls.level == TlsLevel::may && request_.protocol != Protocol::smtps;
    return may_do_without ? exchange_.half_deadline(time) : exchange_.deadline(time);
  }

  void start_tls() {
    auto started = link_.start_tls(request_.tls, handshake_deadline());
    if (!started)
      fail(started.error().failure, std::move(started.error().words), {}, std::move(started.error().result));
    session_.tls = std::move(started->description);
    session_.tls_trouble = std::move(started->trouble);
    session_.verified = request_.tls.level == TlsLevel::dane || request_.tls.level == TlsLevel::certificate;
  }

  void check_requiretls() {
    session_.requiretls = session_.verified && session_.capabilities.requiretls;
    if (request_.tls.requiretls && !session_.requiretls)
      fail(RelayFailure::requiretls_unavailable, "REQUIRETLS is not offered");
  }

  void log_in() {
    if (session_.tls.empty()) fail(RelayFailure::authentication, "no password goes over plaintext");
    const smtp::Capabilities& offered = session_.capabilities;
    if (!offered.auth_plain && !offered.auth_login)
      fail(RelayFailure::authentication, "the far side offers neither AUTH PLAIN nor AUTH LOGIN");
    const auto credentials = request_.credentials->ask();
    if (!credentials || credentials->user.empty())
      fail(RelayFailure::authentication, "no credentials are kept for this route");
    const auto reply = offered.auth_plain ? log_in_plain(*credentials) : log_in_by_steps(*credentials);
    if (reply.code != kLoggedIn)
      fail_by(RelayFailure::authentication, reply, "the far side refuses the login");
  }

  smtp::ServerReply log_in_plain(const RelayCredentials& credentials) {  // RFC 4616
    using namespace std::string_literals;
    return ask("AUTH PLAIN " + encode_base64("\0"s + credentials.user + "\0"s + credentials.password));
  }

  smtp::ServerReply log_in_by_steps(const RelayCredentials& credentials) {
    auto reply = ask("AUTH LOGIN");
    if (reply.code == kLoginChallenge) reply = ask(encode_base64(credentials.user));
    if (reply.code == kLoginChallenge) reply = ask(encode_base64(credentials.password));
    return reply;
  }

  smtp::ServerReply ask(const std::string& command) {
    return exchange_.ask(command + "\r\n", facts_.limits.command_timeout);
  }

  const ClientFacts& facts_;
  const SessionRequest& request_;
  Link& link_;
  Exchange& exchange_;
  Session session_;
};

}  // namespace

Reply to_reply(const smtp::ServerReply& reply) { return {reply.code, reply.enhanced, reply.text()}; }

std::expected<Session, SessionFailure> open_session(const ClientFacts& facts, const SessionRequest& request,
                                                    Link& link, Exchange& exchange) {
  try {
    return Opening{facts, request, link, exchange}.run();
  } catch (Failed& failed) {
    return std::unexpected(std::move(failed.why));
  } catch (const Cut& cut) {
    return std::unexpected(SessionFailure{{}, {}, RelayFailure::cut, {}, cut.what(), {}});
  }
}

}  // namespace mailroom::relayd
