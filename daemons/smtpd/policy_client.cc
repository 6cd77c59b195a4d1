#include "daemons/smtpd/policy_client.h"

namespace mailroom {
namespace {

// RFC 5321 4.5.3.2.3 gives a client five minutes for RCPT; an authority that takes this long is ill.
constexpr std::chrono::seconds kPatience{30};

Verdict gone(TransactionId transaction) {
  return {transaction,
          {421, "4.3.2", "This server is restarting a part of itself; try again in a minute"},
          "no-policyd",
          0};
}

}  // namespace

Verdict PolicyClient::check_sender(const CheckSender& request) {
  return ask_verdict(request, request.transaction);
}
Verdict PolicyClient::check_recipient(const CheckRecipient& request) {
  return ask_verdict(request, request.transaction);
}

void PolicyClient::reset() {
  if (policyd_.is_open()) policyd_.send(ResetTransaction{});
}

policy::Quirks PolicyClient::device_quirks() {
  const auto answer = ask(AskQuirks{});
  const auto* found = answer ? std::get_if<DeviceQuirks>(&*answer) : nullptr;
  return found != nullptr ? found->quirks : policy::Quirks{};
}

Verdict PolicyClient::ask_verdict(const ConnectionToPolicyd& question, TransactionId transaction) {
  auto answer = ask(question);
  auto* verdict = answer ? std::get_if<Verdict>(&*answer) : nullptr;
  return verdict != nullptr ? std::move(*verdict) : gone(transaction);
}

// Nothing when the authority is gone, or silent.
std::optional<PolicydToConnection> PolicyClient::ask(const ConnectionToPolicyd& question) {
  if (!policyd_.is_open() || policyd_.send(question) != ipc::SendResult::sent) return std::nullopt;
  auto answer =
      policyd_.receive(ipc::PacketSocket::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
  if (answer) return std::move(answer->message);
  policyd_.close();  // a late answer must not be taken for that to the next question
  return std::nullopt;
}

}  // namespace mailroom
