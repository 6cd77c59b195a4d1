// Mail on its way in: which connection may submit which envelope, and the content that comes for it.
//
// policyd alone makes envelopes.  One is bound to the connection and the transaction it was made for, serves
// for one message, and ends with its use, a reset, another transaction, or the connection.  Content without
// one is refused and logged, whatever it says.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemons/channels/policyd.h"
#include "daemons/channels/queued.h"
#include "daemons/config.h"
#include "daemons/queued/own_mail.h"
#include "libcommon/event/channel_handler.h"
#include "spool/queue/queue.h"

namespace mailroom::queued {

// Targets of one message; one more is refused (RFC 5321 4.5.3.1.8 asks for 100 recipients).
inline constexpr std::size_t kMaxTargets = 10'000;
// Connections of all listeners together; one more is turned away.  Fewer than the descriptors a process may
// have.
inline constexpr std::size_t kMaxConnections = 15'000;
// Octets of a header that is looked through for its authors.
inline constexpr std::size_t kMaxCheckedHeader = 1024 * 1024;
// What may be put on top of a message of the greatest size: Received lines of our own.
inline constexpr std::uint64_t kAddedOctets = 64 * 1024;

class Intake {
 public:
  // Called for each message that has become durable.
  using OnAccepted = std::function<void(QueueId, const queue::Envelope&, queue::SharedContent)>;

  Intake(event::Loop& loop, queue::Queue& queue, const Config& config, OnAccepted on_accepted);
  ~Intake();

  void attach_listener(Service service, const std::string& peer, LeasedFd fd);
  void attach_policyd(LeasedFd fd);
  // Ends all connections: their processes answer 421.  What is being committed is still committed.
  void stop();

 private:
  struct Connection;
  struct Authorised;
  struct Nothing {
    static auto fields(auto&) { return std::tie(); }
  };
  using ListenerKey = std::uint32_t;
  using ListenerChannel = event::ChannelHandler<std::variant<Nothing>, ListenerToQueued>;
  using PolicydChannel = event::ChannelHandler<QueuedToPolicyd, PolicydToQueued>;
  struct Listener {
    Service service = Service::mx;
    std::string peer;
    std::unique_ptr<ListenerChannel> channel;
  };

  void on_listener(ListenerKey key, const ListenerToQueued& message, std::vector<Fd>&& descriptors);
  const char* opened(ListenerKey key, const ConnectionOpened& message, std::vector<Fd>&& descriptors);
  const char* closed(ListenerKey key, const ConnectionClosed& message);
  void listener_ended(ListenerKey key, event::ChannelEnd why);
  Connection* find(ConnectionId id);

  void authorise(AuthoriseRecipient&& message);
  Reply refusal_of(const Connection& connection, const AuthoriseRecipient& message);
  QueueId add_recipient(Connection& connection, AuthoriseRecipient&& message);
  Authorised new_envelope(const IpAddress& peer, const AuthoriseRecipient& message);
  void withdraw(const WithdrawEnvelope& message);
  void submit(SubmitMessage&& message);

  void on_connection(ConnectionId id, ConnectionToQueued&& message);
  void misbehaved(ConnectionId id, const char* reason);
  void connection_gone(ConnectionId id, event::ChannelEnd why);
  void content(Connection& connection, Content&& message);
  bool begin(Connection& connection, TransactionId transaction);
  void commit(Connection& connection);
  void refuse(Connection& connection, TransactionId transaction, Reply reply, const std::string& reason);
  bool authors_are_allowed(const std::string& header, const std::vector<std::string>& allowed) const;

  event::Loop& loop_;
  queue::Queue& queue_;
  const Config& config_;
  OnAccepted on_accepted_;
  OwnMail own_mail_;
  std::map<ListenerKey, Listener> listeners_;
  ListenerKey last_listener_ = 0;
  std::unique_ptr<PolicydChannel> policyd_;
  std::map<ConnectionId, std::unique_ptr<Connection>> connections_;
};

}  // namespace mailroom::queued
