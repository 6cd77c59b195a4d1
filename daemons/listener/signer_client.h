// Asks keyd for the signatures of this connection's handshake.  keyd learns of the connection only when it is
// needed: most connections on a STARTTLS port never ask.
#pragma once

#include "daemons/channels/handover.h"
#include "daemons/channels/keyd.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/tls/signer.h"

namespace mailroom {

using ListenerChannel = ipc::MessageChannel<ChildToListener, ListenerToChild>;

class SignerClient : public tls::Signer {
 public:
  explicit SignerClient(ListenerChannel& listener) : listener_{listener} {}
  std::expected<std::string, std::string> sign(const tls::KeyId& key, tls::SignatureScheme scheme,
                                               std::string_view to_be_signed) noexcept override;

 private:
  std::expected<void, std::string> connect();

  ListenerChannel& listener_;
  ipc::MessageChannel<ConnectionToKeyd, KeydToConnection> keyd_;
};

}  // namespace mailroom
