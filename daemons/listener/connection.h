// The toolbox of a process before login: its client's stream, TLS when it is asked for, and the hand-over.
#pragma once

#include <memory>
#include <string>

#include "daemons/listener/protocol.h"
#include "daemons/listener/signer_client.h"
#include "daemons/listener/tls_upgrade.h"
#include "libcommon/sys/socket_stream.h"
#include "libcommon/tls/tls_stream.h"

namespace mailroom {

class Connection : public TlsUpgrade {
 public:
  explicit Connection(BeforeLogin& process);

  // The client's stream: TLS already on a port with implicit TLS, or where it is detected.  Throws
  // StreamError when that handshake fails.
  Stream& open();

  void forgive(const policy::Quirks& quirks) override;
  // STARTTLS, STLS.
  [[nodiscard]] Stream& start() override;
  // The client's stream as it is now.
  Stream& stream() { return tls_ ? static_cast<Stream&>(*tls_) : plain_; }
  // Says close_notify; nothing may be written afterwards.
  void close() noexcept;
  bool can_start_tls() const;
  bool has_tls() const { return tls_ != nullptr; }
  // Of the handshake; null without TLS.
  const tls::HandshakeFacts* tls_facts() const { return tls_ ? &tls_->facts() : nullptr; }
  // None without TLS.
  bool has_exporter_binding() const { return tls_ && tls_->has_exporter_binding(); }
  tls::ChannelBindings bindings() const { return tls_ ? tls_->bindings() : tls::ChannelBindings{}; }

  bool has_client_certificate() const { return tls_ && !tls_->client_handshake().empty(); }
  // The handshake in which the client has proved one.
  const std::string& client_handshake() const { return tls_->client_handshake(); }

  // Gives the connection to its account's session, and returns when this process is no longer needed: at once
  // without TLS, at the session's end with it.  False when the session was refused: the client has not been
  // answered yet.
  bool hand_over(std::string context, std::string pre_read);

 private:
  bool begins_with_tls() const;
  bool hand_over_whole(Fd start);
  bool hand_over_relayed(Fd start);

  BeforeLogin& process_;
  ListenerChannel listener_;
  SignerClient signer_;
  SocketStream plain_;
  std::optional<tls::Tolerance> tolerance_;  // in place of the listener's
  std::unique_ptr<tls::TlsStream> tls_;
};

}  // namespace mailroom
