#include "daemons/authd/exchange.h"

#include "libcommon/policy/login_name.h"
#include "libcommon/protocol/sasl/plain.h"
#include "libcommon/text/ascii.h"

namespace mailroom::authd {
namespace {

// Nobody acts as anybody else: the identity to act as is the one whose password it is, or is left out.
bool may_act(const sasl::Credentials& credentials) {
  return credentials.authzid.empty() || policy::canonical_login_name(credentials.authzid) ==
                                            policy::canonical_login_name(credentials.authcid);
}

Exchange::Step attempt_with(const sasl::Credentials& credentials) {
  if (!may_act(credentials)) return Attempt{};
  return Attempt{credentials.authcid, Secret{credentials.password}};
}

Exchange::Step failed(sasl::Fault fault) {
  if (fault == sasl::Fault::malformed) return LoginRefusal::malformed;
  return Attempt{};
}

}  // namespace

Exchange::Step Exchange::start(SaslStart& message) {
  if (equals_ignoring_case(message.mechanism, "PLAIN")) {
    if (!message.initial_response) {
      state_ = AwaitingPlain{};
      return SaslChallenge{};
    }
    Step step = plain(*message.initial_response);
    wipe(*message.initial_response);
    return step;
  }
  if (equals_ignoring_case(message.mechanism, "LOGIN")) {
    auto& server = state_.emplace<sasl::LoginServer>();
    const std::optional<std::string_view> initial = message.initial_response;
    return login(server.start(initial));
  }
  return LoginRefusal::mechanism_unknown;
}

Exchange::Step Exchange::respond(SaslRespond& message) {
  Step step = LoginRefusal::malformed;
  if (auto* server = std::get_if<sasl::LoginServer>(&state_)) {
    auto next = server->respond(message.response);
    if (!next) state_ = std::monostate{};
    step = next ? login(*next) : failed(next.error());
  } else {
    state_ = std::monostate{};
    step = plain(message.response);
  }
  wipe(message.response);
  return step;
}

Exchange::Step Exchange::plain(std::string_view message) {
  const auto credentials = sasl::parse_plain(message);
  return credentials ? attempt_with(*credentials) : failed(credentials.error());
}

Exchange::Step Exchange::login(const sasl::LoginServer::Step& step) {
  if (const auto* challenge = std::get_if<std::string_view>(&step))
    return SaslChallenge{std::string{*challenge}};
  Step attempt = attempt_with(std::get<sasl::Credentials>(step));
  state_ = std::monostate{};
  return attempt;
}

}  // namespace mailroom::authd
