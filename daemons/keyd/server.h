// keyd's channels: one to each listener, one to each connection that a listener has opened, and authd's.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemons/channels/keyd.h"
#include "daemons/daemon.h"
#include "daemons/keyd/allowance.h"
#include "daemons/keyd/key_ring.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom::keyd {

// A connection does one handshake; STARTTLS after a failed one is a new connection.  A few for good measure.
inline constexpr int kMaxSignatures = 4;
// Connections of one listener that have a channel at the same time; more are closed at once.
inline constexpr std::size_t kMaxConnections = 3000;
// Of one listener: several times what one core can do in handshakes.
inline constexpr Allowance::Rate kListenerRate{4000, 2000};

class Server : public mailroom::Server {
 public:
  // Reads the keys from the descriptors "key 0" ..., in the order of the configured certificates.  Throws
  // std::runtime_error, saying which and why, when one cannot be used.
  explicit Server(const Host& host);

  void attach(const std::string& kind, const std::string& peer, LeasedFd fd) override;
  void drain() override { host_.loop.stop(); }

 private:
  struct Listener;
  struct Connection;
  using ListenerChannel = event::ChannelHandler<KeydToListener, ListenerToKeyd>;
  using AuthdChannel = event::ChannelHandler<KeydToAuthd, AuthdToKeyd>;
  using ConnectionChannel = event::ChannelHandler<KeydToConnection, ConnectionToKeyd>;

  struct Connection {
    ConnectionId id = 0;
    int signatures = 0;
    std::optional<SignedHandshake> handshake;  // kept where clients may log in by certificate
    std::unique_ptr<ConnectionChannel> channel;
  };
  struct Listener {
    std::string kind;
    std::string peer;
    Allowance allowance;
    std::list<Connection> connections;
    std::unique_ptr<ListenerChannel> channel;  // null once it has ended; its connections may still be there
  };

  void attach_authd(LeasedFd fd);
  std::optional<SignedHandshake> handshake_of(ConnectionId connection) const;
  void keep(Connection& connection, const Sign& request, const std::string& signature) const;
  void open(Listener& listener, const OpenSigner& request, std::vector<Fd> descriptors);
  void answer(Listener& listener, std::list<Connection>::iterator connection, const Sign& request);
  void end_listener(std::list<Listener>::iterator listener, event::ChannelEnd end);
  void end_connection(Listener& listener, std::list<Connection>::iterator connection, event::ChannelEnd end);
  static void misbehaved(const Listener& listener, ConnectionId connection, std::string_view reason);

  struct OwnCertificate {
    tls::KeyId key{};
    Sha256Digest fingerprint{};
  };

  Host host_;
  KeyRing keys_;
  std::vector<OwnCertificate> certificates_;
  std::list<Listener> listeners_;
  std::unique_ptr<AuthdChannel> authd_;
};

}  // namespace mailroom::keyd
