#include "daemons/smtpd/spool_client.h"

#include <utility>

namespace mailroom {
namespace {

// RFC 5321 4.5.3.2.6 gives a client ten minutes for the reply to the end of data; a disk that takes this long
// is ill.
constexpr std::chrono::minutes kPatience{5};

// It may have the message or not: nothing but the end of the connection says so without a claim (RFC
// 5321 4.2.4.2, 421).
Reply gone() { return {421, "4.3.0", "The queue went away while it took the message; connect again"}; }

}  // namespace

void SpoolClient::begin(TransactionId transaction) { transaction_ = transaction; }

void SpoolClient::write(std::string chunk) { send(std::move(chunk), false); }

void SpoolClient::abort() {
  if (queued_.is_open()) queued_.send(AbandonContent{transaction_});
}

void SpoolClient::send(std::string chunk, bool last) {
  if (!queued_.is_open()) return;
  if (queued_.send(Content{transaction_, last, std::move(chunk)}) != ipc::SendResult::sent) queued_.close();
}

Reply SpoolClient::commit(std::string last) {
  send(std::move(last), true);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (queued_.is_open()) {
    auto answer = queued_.receive(ipc::PacketSocket::Wait::yes, 0, deadline);
    if (!answer) break;
    auto& reply = std::get<ContentReply>(answer->message);
    if (reply.transaction == transaction_)
      return std::move(reply.reply);  // else: of a message that was abandoned
  }
  queued_.close();
  return gone();
}

}  // namespace mailroom
