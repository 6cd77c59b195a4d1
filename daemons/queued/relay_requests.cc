#include "daemons/queued/relay_requests.h"

#include <utility>

#include "daemons/channels/deliverd.h"
#include "libcommon/ipc/channel.h"

namespace mailroom::queued {
namespace {

MailParameters mail_parameters(const OpenMessage& message) {
  const queue::Envelope& envelope = message.envelope;
  return {.declared_size = message.size,
          .body = static_cast<BodyType>(envelope.body),
          .smtputf8 = envelope.smtputf8,
          .requiretls = envelope.tls == routing::SenderTls::required,
          .ret = static_cast<ReturnContent>(envelope.ret),
          .envid = envelope.envid};
}

// Octets of a packet that recipients may take beside the content: what is left after the other fields.
std::size_t room_for_recipients(const OpenMessage& message) {
  constexpr std::size_t kOtherFields = 2048;
  return ipc::kMaxPacket - kOtherFields - message.content.size();
}

}  // namespace

Connect connect_of(const routing::Plan& plan, std::vector<routing::NextHop> hops) {
  Connect connect{plan.protocol, std::move(hops), plan.authenticate};
  while (connect.hops.size() > 1 && ipc::encode(QueuedToRelay{connect}).size() > ipc::kMaxPacket)
    connect.hops.pop_back();
  return connect;
}

std::size_t count_for_one_send(const OpenMessage& message, const std::vector<std::uint32_t>& targets,
                               std::size_t first) {
  constexpr std::size_t kFields = 16;
  std::size_t octets = 0, count = 0;
  for (; first + count < targets.size() && count < kMaxOutboundRecipients; ++count) {
    const auto& recipient = message.recipient_of(targets[first + count]);
    octets += recipient.address.size() + recipient.orcpt.size() + kFields;
    if (count > 0 && octets > room_for_recipients(message)) break;
  }
  return count;
}

Send send_of(const OpenMessage& message, const std::vector<std::uint32_t>& targets) {
  Send send{.queue_id = message.id,
            .reverse_path = message.envelope.reverse_path,
            .mail = mail_parameters(message),
            .recipients = {},
            .content = message.content,
            .memfd_size = message.memfd ? message.size : 0};
  for (const std::uint32_t number : targets) {
    const auto& recipient = message.recipient_of(number);
    send.recipients.push_back({number, recipient.address, recipient.notify, recipient.orcpt});
  }
  return send;
}

}  // namespace mailroom::queued
