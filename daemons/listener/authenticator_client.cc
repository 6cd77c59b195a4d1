#include "daemons/listener/authenticator_client.h"

#include "daemons/listener/login_failure.h"

namespace mailroom {
namespace {

// authd delays the answers to failures, and hashes queue up; longer than both together.
constexpr std::chrono::seconds kPatience{60};
constexpr std::string_view kExternal = "EXTERNAL";

}  // namespace

bool AuthenticatorClient::can_be_external() const {
  return config_.client_certificate.enabled() && connection_ != nullptr &&
         connection_->has_client_certificate();
}

// What authd takes with this configuration; PLUS where the binding that a client chooses by default is one
// that we have: tls-exporter (RFC 9266 section 3).
std::vector<std::string> AuthenticatorClient::mechanisms() const {
  std::vector<std::string> all;
  if (can_be_external()) all.emplace_back(kExternal);
  if (config_.kerberos.enabled()) all.emplace_back("GSSAPI");
  if (config_.authd.scram) {
    if (connection_ != nullptr && connection_->has_exporter_binding())
      all.insert(all.end(), {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"});
    all.insert(all.end(), {"SCRAM-SHA-256", "SCRAM-SHA-1"});
  }
  all.insert(all.end(), {"PLAIN", "LOGIN"});
  return all;
}

AuthStep AuthenticatorClient::start(std::string_view mechanism,
                                    std::optional<std::string_view> initial_response) {
  SaslStart question{std::string{mechanism}, {}, {}, {}};
  if (mechanism == kExternal && can_be_external()) question.handshake = connection_->client_handshake();
  const bool can_bind = mechanism != "PLAIN" && mechanism != "LOGIN";
  if (can_bind && connection_ != nullptr) question.bindings = connection_->bindings();
  if (initial_response) question.initial_response.emplace(*initial_response);
  return ask(question);
}

AuthStep AuthenticatorClient::respond(std::string_view data) { return ask(SaslRespond{std::string{data}}); }

void AuthenticatorClient::cancel() {
  if (authd_.is_open()) authd_.send(SaslCancel{});
}

AuthStep AuthenticatorClient::ask(const ConnectionToAuthd& question) {
  if (!authd_.is_open()) return AuthFailure{AuthFailure::Kind::unavailable};
  authd_.send(question);
  auto answer = authd_.receive(ipc::PacketSocket::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
  if (!answer) {
    authd_.close();  // a late answer must not be taken for that to the next question
    return AuthFailure{AuthFailure::Kind::unavailable};
  }
  if (auto* challenge = std::get_if<SaslChallenge>(&answer->message))
    return AuthChallenge{std::move(challenge->challenge)};
  if (auto* succeeded = std::get_if<SaslSucceeded>(&answer->message)) {
    name_ = std::move(succeeded->name);
    return AuthSuccess{succeeded->password_days};
  }
  auto& failed = std::get<SaslFailed>(answer->message);
  return AuthFailure{failure_of(failed.failure), std::move(failed.token)};
}

}  // namespace mailroom
