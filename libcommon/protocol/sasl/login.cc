#include "libcommon/protocol/sasl/login.h"

#include <utility>

namespace mailroom::sasl {

LoginServer::Step LoginServer::start(std::optional<std::string_view> initial_response) {
  if (!initial_response || initial_response->empty()) return kLoginNameChallenge;
  take_name(*initial_response);
  return kLoginPasswordChallenge;
}

std::expected<LoginServer::Step, Fault> LoginServer::respond(std::string_view response) {
  switch (std::exchange(awaiting_, Awaiting::nothing)) {
  case Awaiting::name:
    take_name(response);
    return kLoginPasswordChallenge;
  case Awaiting::password:
    break;
  case Awaiting::nothing:
    return std::unexpected(Fault::malformed);
  }
  if (!name_possible_ || !is_possible_password(response)) return std::unexpected(Fault::never_valid);
  Credentials credentials;
  credentials.authcid = std::move(name_);
  credentials.password = response;
  return credentials;
}

void LoginServer::take_name(std::string_view name) {
  name_possible_ = is_possible_name(name);
  if (name_possible_) name_ = name;
  awaiting_ = Awaiting::password;
}

}  // namespace mailroom::sasl
