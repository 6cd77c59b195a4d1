// SASL for one connection, by asking authd on the connection's own channel.
#pragma once

#include "daemons/channels/authd.h"
#include "daemons/listener/authenticator.h"
#include "libcommon/ipc/channel.h"

namespace mailroom {

class AuthenticatorClient : public Authenticator {
 public:
  explicit AuthenticatorClient(Fd to_authd) : authd_{std::move(to_authd)} {}

  [[nodiscard]] AuthStep start(std::string_view mechanism,
                               std::optional<std::string_view> initial_response) override;
  [[nodiscard]] AuthStep respond(std::string_view data) override;
  void cancel() override;

  // The name that was proved, for the log; empty before Success.
  const std::string& name() const { return name_; }

 private:
  AuthStep ask(const ConnectionToAuthd& question);

  ipc::MessageChannel<ConnectionToAuthd, AuthdToConnection> authd_;
  std::string name_;
};

}  // namespace mailroom
