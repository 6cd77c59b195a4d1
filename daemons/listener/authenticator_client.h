// SASL for one connection, by asking authd on the connection's own channel.
#pragma once

#include "daemons/channels/authd.h"
#include "daemons/config.h"
#include "daemons/listener/authenticator.h"
#include "daemons/listener/connection.h"
#include "libcommon/ipc/channel.h"

namespace mailroom {

class AuthenticatorClient : public Authenticator {
 public:
  // `connection` is asked for the bindings of its TLS, as it is then; null: it has none.
  AuthenticatorClient(Fd to_authd, const Config& config, const Connection* connection)
      : authd_{std::move(to_authd)}, config_{config}, connection_{connection} {}

  [[nodiscard]] std::vector<std::string> mechanisms() const override;
  [[nodiscard]] AuthStep start(std::string_view mechanism,
                               std::optional<std::string_view> initial_response) override;
  [[nodiscard]] AuthStep respond(std::string_view data) override;
  void cancel() override;

  // The name that was proved, for the log; empty before Success.
  const std::string& name() const { return name_; }

 private:
  bool can_be_external() const;
  AuthStep ask(const ConnectionToAuthd& question);

  ipc::MessageChannel<ConnectionToAuthd, AuthdToConnection> authd_;
  const Config& config_;
  const Connection* connection_;
  std::string name_;
};

}  // namespace mailroom
