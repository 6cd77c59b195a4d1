// SASL for one connection, by asking authd on the connection's own channel.
#pragma once

#include <functional>

#include "daemons/channels/authd.h"
#include "daemons/config.h"
#include "daemons/listener/authenticator.h"
#include "libcommon/ipc/channel.h"

namespace mailroom {

class AuthenticatorClient : public Authenticator {
 public:
  // Of the connection's TLS as it is when asked; empty without.
  using Bindings = std::function<tls::ChannelBindings()>;

  AuthenticatorClient(Fd to_authd, const Config& config, Bindings bindings)
      : authd_{std::move(to_authd)}, config_{config}, bindings_{std::move(bindings)} {}

  [[nodiscard]] std::vector<std::string> mechanisms() const override;
  [[nodiscard]] AuthStep start(std::string_view mechanism,
                               std::optional<std::string_view> initial_response) override;
  [[nodiscard]] AuthStep respond(std::string_view data) override;
  void cancel() override;

  // The name that was proved, for the log; empty before Success.
  const std::string& name() const { return name_; }

 private:
  AuthStep ask(const ConnectionToAuthd& question);

  ipc::MessageChannel<ConnectionToAuthd, AuthdToConnection> authd_;
  const Config& config_;
  Bindings bindings_;
  std::string name_;
};

}  // namespace mailroom
