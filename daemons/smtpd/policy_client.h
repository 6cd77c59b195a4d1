// Policy, by asking policyd on the connection's own channel.
#pragma once

#include "daemons/smtpd/policy.h"
#include "libcommon/ipc/channel.h"

namespace mailroom {

class PolicyClient : public Policy {
 public:
  explicit PolicyClient(Fd to_policyd) : policyd_{std::move(to_policyd)} {}

  [[nodiscard]] Verdict check_sender(const CheckSender& request) override;
  [[nodiscard]] Verdict check_recipient(const CheckRecipient& request) override;
  [[nodiscard]] policy::Quirks device_quirks() override;
  void reset() override;

 private:
  Verdict ask_verdict(const ConnectionToPolicyd& question, TransactionId transaction);
  std::optional<PolicydToConnection> ask(const ConnectionToPolicyd& question);

  ipc::MessageChannel<ConnectionToPolicyd, PolicydToConnection> policyd_;
};

}  // namespace mailroom
