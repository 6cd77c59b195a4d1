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

Verdict PolicyClient::check_sender(const CheckSender& request) { return ask(request, request.transaction); }
Verdict PolicyClient::check_recipient(const CheckRecipient& request) {
  return ask(request, request.transaction);
}

void PolicyClient::reset() {
  if (policyd_.is_open()) policyd_.send(ResetTransaction{});
}

Verdict PolicyClient::ask(const ConnectionToPolicyd& question, TransactionId transaction) {
  if (!policyd_.is_open() || policyd_.send(question) != ipc::SendResult::sent) return gone(transaction);
  auto answer =
      policyd_.receive(ipc::PacketSocket::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
  if (answer) return std::move(std::get<Verdict>(answer->message));
  policyd_.close();  // a late answer must not be taken for that to the next question
  return gone(transaction);
}

}  // namespace mailroom
