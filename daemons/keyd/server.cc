#include "daemons/keyd/server.h"

#include <algorithm>
#include <stdexcept>

#include "daemons/base/channel_end.h"
#include "daemons/log.h"
#include "libcommon/protocol/tls/certificate_verify.h"
#include "libcommon/tls/certificate.h"

namespace mailroom::keyd {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ",") + name;
  return all;
}

tls::OwnIdentity load_identity(const Fd& key_file, const CertificateConfig& certificate) {
  auto identity = tls::read_identity(certificate.chain_pem, key_file);
  const std::string names = joined(certificate.names);
  if (!identity) {
    log::write("key-refused", {{"names", names}, {"reason", identity.error()}});
    throw std::runtime_error("a private key cannot be used: " + certificate.key_file);
  }
  log::write("key-loaded", {{"names", names}});
  return std::move(*identity);
}

// What OpenSSL sets up at the first signature is set up before the jail closes.
void sign_once(const tls::PrivateKey& key) {
  for (int i = 0; i <= static_cast<int>(tls::SignatureScheme::kLast); ++i)
    key.sign(static_cast<tls::SignatureScheme>(i), "self-test");
}

const char* reason_of(SignRefusal refusal) {
  switch (refusal) {
  case SignRefusal::unknown_key:
    return "unknown-key";
  case SignRefusal::wrong_scheme:
    return "wrong-scheme";
  case SignRefusal::not_tls:
    return "not-tls";
  case SignRefusal::too_many:
    return "too-many";
  }
  return "";
}

OldTls old_tls_of(const Config& config) {
  const auto is_old = [](const ListenerConfig& listener) { return listener.quirks.has_old_tls(); };
  const bool is_allowed = config.policyd.device_old_tls || std::ranges::any_of(config.listeners, is_old);
  return is_allowed ? OldTls::allowed : OldTls::refused;
}

}  // namespace

Server::Server(const Host& host) : host_{host}, keys_{old_tls_of(host.config)} {
  if (tls::lock_key_memory() != tls::MemoryLock::locked)
    log::write("kernel-lacks", {{"feature", "mlock"}, {"consequence", "private keys may be swapped out"}});
  const auto& certificates = host_.config.certificates;
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    tls::OwnIdentity own = load_identity(host_.take_descriptor("key " + std::to_string(i)), certificates[i]);
    sign_once(own.key);
    certificates_.push_back({own.key.id(), own.chain.fingerprint()});
    keys_.add(std::move(own.key));
  }
}

void Server::attach(const std::string& kind, const std::string& peer, LeasedFd fd) {
  if (kind == "authd-keyd") return attach_authd(std::move(fd));
  listeners_.push_back({kind, peer, Allowance{kListenerRate, Allowance::Clock::now()}, {}, nullptr});
  const auto listener = std::prev(listeners_.end());
  listener->channel = std::make_unique<ListenerChannel>(
      host_.loop, std::move(fd), 1,
      [this, listener](ListenerToKeyd&& message, std::vector<Fd>&& descriptors) {
        open(*listener, std::get<OpenSigner>(message), std::move(descriptors));
      },
      [this, listener](event::ChannelEnd end) { end_listener(listener, end); });
}

void Server::attach_authd(LeasedFd fd) {
  authd_ = std::make_unique<AuthdChannel>(
      host_.loop, std::move(fd), 0,
      [this](AuthdToKeyd&& message, std::vector<Fd>&&) {
        const ConnectionId connection = std::get<WhatWasSigned>(message).connection;
        authd_->send(WasSigned{connection, handshake_of(connection)});
      },
      [this](event::ChannelEnd end) {
        log_channel_end("authd-keyd", "authd", end);
        authd_.reset();
      });
}

std::optional<SignedHandshake> Server::handshake_of(ConnectionId connection) const {
  for (const Listener& listener : listeners_)
    for (const Connection& each : listener.connections)
      if (each.id == connection) return each.handshake;
  return std::nullopt;
}

void Server::keep(Connection& connection, const Sign& request, const std::string& signature) const {
  if (!host_.config.client_certificate.enabled()) return;
  if (!tls::is_to_be_signed(tls::Side::server, request.to_be_signed)) return;
  connection.handshake = SignedHandshake{{}, request.to_be_signed, signature};
  for (const OwnCertificate& own : certificates_)
    if (own.key == request.key) connection.handshake->certificates.push_back(own.fingerprint);
}

void Server::open(Listener& listener, const OpenSigner& request, std::vector<Fd> descriptors) {
  if (descriptors.size() != 1) return misbehaved(listener, request.connection, "no descriptor");
  if (listener.connections.size() >= kMaxConnections)
    return misbehaved(listener, request.connection, "too many connections");
  listener.connections.push_back({request.connection, 0, {}, nullptr});
  const auto connection = std::prev(listener.connections.end());
  Listener* const owner = &listener;
  connection->channel = std::make_unique<ConnectionChannel>(
      host_.loop, std::move(descriptors.front()), 0,
      [this, owner, connection](ConnectionToKeyd&& message, std::vector<Fd>&&) {
        answer(*owner, connection, std::get<Sign>(message));
      },
      [this, owner, connection](event::ChannelEnd end) { end_connection(*owner, connection, end); });
}

void Server::answer(Listener& listener, std::list<Connection>::iterator connection, const Sign& request) {
  const bool allowed =
      ++connection->signatures <= kMaxSignatures && listener.allowance.take(Allowance::Clock::now());
  const KeydToConnection reply = allowed ? keys_.answer(request) : SignRefused{SignRefusal::too_many};
  // Before the connection learns it: nobody can ask for a signature that is not noted yet.
  if (const auto* made = std::get_if<Signature>(&reply)) keep(*connection, request, made->bytes);
  connection->channel->send(reply);
  const auto* refused = std::get_if<SignRefused>(&reply);
  if (refused == nullptr) return;
  log::write("signature-refused",
             {{"session", log::Id{connection->id}}, {"reason", reason_of(refused->refusal)}});
  listener.connections.erase(connection);
}

void Server::end_connection(Listener& listener, std::list<Connection>::iterator connection,
                            event::ChannelEnd end) {
  if (end == event::ChannelEnd::malformed) misbehaved(listener, connection->id, "malformed");
  listener.connections.erase(connection);
  if (listener.channel != nullptr || !listener.connections.empty()) return;
  listeners_.remove_if([&](const Listener& candidate) { return &candidate == &listener; });
}

// A listener that is replaced ends before its children do: what they have opened stays.
void Server::end_listener(std::list<Listener>::iterator listener, event::ChannelEnd end) {
  if (end == event::ChannelEnd::malformed) misbehaved(*listener, 0, "malformed");
  listener->channel.reset();
  if (listener->connections.empty()) listeners_.erase(listener);
}

void Server::misbehaved(const Listener& listener, ConnectionId connection, std::string_view reason) {
  log::write("peer-misbehaved", {{"session", log::Id{connection}},
                                 {"channel", listener.kind},
                                 {"peer", listener.peer},
                                 {"reason", reason}});
}

}  // namespace mailroom::keyd
