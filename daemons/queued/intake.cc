#include "daemons/queued/intake.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "daemons/base/channel_end.h"
#include "daemons/log.h"
#include "daemons/queued/clock.h"
#include "daemons/queued/local_delivery.h"
#include "libcommon/ipc/overloaded.h"
#include "libcommon/policy/sender_pattern.h"
#include "libcommon/protocol/rfc5322/authors.h"
#include "libcommon/protocol/rfc5322/delivered_to.h"
#include "libcommon/protocol/rfc5322/tls_required.h"
#include "libcommon/protocol/smtp/data_scanner.h"

namespace mailroom::queued {
namespace {

constexpr std::string_view kHeaderEnd = "\r\n\r\n";

// Every refusal says what to do (RFC 3463 codes).
Reply no_space() { return {452, "4.3.1", "The mail system is short of storage; try again later"}; }
Reply no_memory() { return {452, "4.3.1", "The mail system is busy; try again later"}; }
Reply no_disk() { return {451, "4.3.0", "The message could not be stored safely; try again later"}; }
Reply too_big() { return {552, "5.3.4", "The message is larger than this system accepts"}; }

Reply reply_to(queue::Incoming::Problem problem) {
  switch (problem) {
  case queue::Incoming::Problem::no_memory:
    return no_memory();
  case queue::Incoming::Problem::no_space:
    return no_space();
  default:
    return no_disk();
  }
}

Reply reply_to(queue::Outcome outcome, QueueId id) {
  switch (outcome) {
  case queue::Outcome::durable:
    return {250, "2.0.0", "Message " + queue::id_text(id) + " accepted"};
  case queue::Outcome::no_space:
    return no_space();
  default:
    return no_disk();
  }
}

// REQUIRETLS outdoes the field (RFC 8689 4.1), which means nothing in a mailbox.
bool may_ask_for_less_tls(const queue::Envelope& envelope) {
  return envelope.tls == routing::SenderTls::unspecified &&
         std::ranges::any_of(envelope.targets, [](const auto& target) { return target.account == 0; });
}

bool any_stays(const queue::Envelope& envelope) {
  return std::ranges::any_of(envelope.targets, [](const auto& target) { return target.account != 0; });
}

// Numbers of the targets in mailboxes here that the message has been delivered to before.
std::vector<std::uint32_t> loops_of(const queue::Envelope& envelope, const rfc5322::DeliveredToScan& before) {
  std::vector<std::uint32_t> loops;
  for (std::uint32_t number = 1; number <= envelope.targets.size(); ++number) {
    const queue::Target& target = envelope.targets[number - 1];
    if (target.account != 0 && before.names(envelope.recipients.at(target.recipient).address))
      loops.push_back(number);
  }
  return loops;
}

std::string service_channel(Service service) { return std::string{service_name(service)} + "-queued"; }

}  // namespace

struct Intake::Authorised {
  TransactionId transaction = 0;
  QueueId id = 0;
  queue::Envelope envelope;
  std::vector<std::string> authors;
};

struct Intake::Connection {
  using Channel = event::ChannelHandler<QueuedToConnection, ConnectionToQueued>;
  struct Receiving {
    Authorised envelope;
    std::unique_ptr<queue::Incoming> incoming;
    std::string header;  // as far as it has come, when the authors are to be checked
    bool header_complete = false;
    std::optional<rfc5322::TlsRequiredScan> tls_required;  // when something goes to other hosts
    std::optional<rfc5322::DeliveredToScan> delivered_to;  // when something stays here

    // False when the header is too long to be checked.
    bool keep_header(std::string_view bytes) {
      if (envelope.authors.empty() || header_complete) return true;
      const std::size_t searched = header.size() < kHeaderEnd.size() ? 0 : header.size() - kHeaderEnd.size();
      header += bytes;
      const std::size_t end = header.find(kHeaderEnd, searched);
      header_complete = end != std::string::npos;
      if (header_complete) header.resize(end + kHeaderEnd.size());
      return header.size() <= kMaxCheckedHeader;
    }
  };

  ConnectionId id = 0;
  IpAddress peer;  // as the listener saw it
  ListenerKey listener = 0;
  std::unique_ptr<Channel> channel;
  std::optional<Authorised> authorised;
  std::optional<Receiving> receiving;
  TransactionId refused = 0;  // its content is dropped
};

Intake::Intake(event::Loop& loop, queue::Queue& queue, const Config& config, OnAccepted on_accepted)
    : loop_{loop}, queue_{queue}, config_{config}, on_accepted_{std::move(on_accepted)}, own_mail_{
                                                                                             queue,
                                                                                             on_accepted_} {}

Intake::~Intake() = default;

void Intake::stop() {
  connections_.clear();
  listeners_.clear();
}

// ---- listeners

void Intake::attach_listener(Service service, const std::string& peer, LeasedFd fd) {
  const ListenerKey key = ++last_listener_;
  auto channel = std::make_unique<ListenerChannel>(
      loop_, std::move(fd), 1,
      [this, key](ListenerToQueued&& message, std::vector<Fd>&& with) {
        on_listener(key, message, std::move(with));
      },
      [this, key](event::ChannelEnd why) { listener_ended(key, why); });
  listeners_.emplace(key, Listener{service, peer, std::move(channel)});
}

void Intake::on_listener(ListenerKey key, const ListenerToQueued& message, std::vector<Fd>&& descriptors) {
  const char* reason =
      std::visit(Overloaded{[&](const ConnectionOpened& m) { return opened(key, m, std::move(descriptors)); },
                            [&](const ConnectionClosed& m) { return closed(key, m); }},
                 message);
  if (reason == nullptr) return;
  const Listener& listener = listeners_.at(key);
  log::write("peer-misbehaved",
             {{"channel", service_channel(listener.service)}, {"peer", listener.peer}, {"reason", reason}});
  listeners_.erase(key);
}

const char* Intake::opened(ListenerKey key, const ConnectionOpened& message, std::vector<Fd>&& descriptors) {
  if (message.service != listeners_.at(key).service) return "a connection of another service";
  if (descriptors.size() != 1) return "a connection without its channel";
  if (connections_.contains(message.connection)) return "a connection that is there already";
  if (connections_.size() >= kMaxConnections) return nullptr;  // its channel closes: 421
  auto connection = std::make_unique<Connection>();
  const ConnectionId id = connection->id = message.connection;
  connection->peer = message.peer;
  connection->listener = key;
  connection->channel = std::make_unique<Connection::Channel>(
      loop_, std::move(descriptors.front()), 0,
      [this, id](ConnectionToQueued&& m, std::vector<Fd>&&) { on_connection(id, std::move(m)); },
      [this, id](event::ChannelEnd why) { connection_gone(id, why); });
  connections_.emplace(id, std::move(connection));
  return nullptr;
}

const char* Intake::closed(ListenerKey key, const ConnectionClosed& message) {
  const auto found = connections_.find(message.connection);
  if (found == connections_.end()) return nullptr;  // its channel ended first
  if (found->second->listener != key) return "the end of another listener's connection";
  connections_.erase(found);
  return nullptr;
}

// Its connections go on: each has a channel of its own, which ends with it.
void Intake::listener_ended(ListenerKey key, event::ChannelEnd why) {
  const auto found = listeners_.find(key);
  if (found == listeners_.end()) return;
  log_channel_end(service_channel(found->second.service), found->second.peer, why);
  listeners_.erase(found);
}

// ---- policyd

void Intake::attach_policyd(LeasedFd fd) {
  policyd_ = std::make_unique<PolicydChannel>(
      loop_, std::move(fd), 0,
      [this](PolicydToQueued&& message, std::vector<Fd>&&) {
        std::visit(Overloaded{[this](AuthoriseRecipient& m) { authorise(std::move(m)); },
                              [this](const WithdrawEnvelope& m) { withdraw(m); },
                              [this](SubmitMessage& m) { submit(std::move(m)); }},
                   message);
      },
      [this](event::ChannelEnd why) {
        log_channel_end("policyd-queued", "policyd", why);
        policyd_.reset();
      });
}

// The listener tells of a connection before the connection can ask policyd for anything: what it said is here
// by now.
Intake::Connection* Intake::find(ConnectionId id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) {
    std::vector<ListenerKey> keys;
    for (const auto& [key, listener] : listeners_) keys.push_back(key);
    for (const ListenerKey key : keys)
      if (const auto listener = listeners_.find(key); listener != listeners_.end())
        listener->second.channel->drain();
    found = connections_.find(id);
  }
  return found == connections_.end() ? nullptr : found->second.get();
}

Reply Intake::refusal_of(const Connection& connection, const AuthoriseRecipient& message) {
  if (connection.receiving && connection.receiving->envelope.transaction == message.transaction)
    return {503, "5.5.1", "The content of this message has begun"};
  if (queue_.broken()) return no_disk();
  if (queue_.index().size() >= config_.queued.max_messages || !queue_.has_space()) return no_space();
  const bool same = connection.authorised && connection.authorised->transaction == message.transaction;
  const std::size_t targets = same ? connection.authorised->envelope.targets.size() : 0;
  if (targets + std::max<std::size_t>(message.recipient.accounts.size(), 1) > kMaxTargets)
    return {452, "4.5.3", "Too many recipients; send the message to the rest of them separately"};
  return {};
}

void Intake::authorise(AuthoriseRecipient&& message) {
  mailroom::Authorised answer{
      message.connection, message.transaction, 0, {451, "4.3.0", "The connection has ended"}};
  Connection* connection = find(message.connection);
  if (connection != nullptr) answer.refusal = refusal_of(*connection, message);
  if (answer.refusal.code == 0)
    answer.queue_id = add_recipient(*connection, std::move(message));
  else if (answer.refusal.code == 452)
    log::write("queue-full", {{"reason", answer.refusal.text}});
  policyd_->send(answer);
}

QueueId Intake::add_recipient(Connection& connection, AuthoriseRecipient&& message) {
  if (!connection.authorised || connection.authorised->transaction != message.transaction)
    connection.authorised = new_envelope(connection.peer, message);
  queue::Envelope& envelope = connection.authorised->envelope;
  const auto number = static_cast<std::uint32_t>(envelope.recipients.size());
  envelope.recipients.push_back({std::move(message.recipient.address),
                                 std::move(message.recipient.parameters.orcpt),
                                 message.recipient.parameters.notify, message.recipient.domain});
  // Whoever is reached by two of the addresses gets the message once.
  for (const AccountId account : message.recipient.accounts)
    if (std::ranges::find(envelope.targets, account, &queue::Target::account) == envelope.targets.end())
      envelope.targets.push_back({number, account});
  if (!message.recipient.domain.empty()) envelope.targets.push_back({number, 0});
  return connection.authorised->id;
}

Intake::Authorised Intake::new_envelope(const IpAddress& peer, const AuthoriseRecipient& message) {
  std::optional<queue::Stranger> stranger;
  if (message.is_stranger) stranger = {peer, message.helo};
  return {message.transaction,
          queue_.new_id(),
          {.connection = message.connection,
           .submitter = message.submitter,
           .reverse_path = message.reverse_path,
           .envid = message.mail.envid,
           .body = static_cast<std::uint8_t>(message.mail.body),
           .ret = static_cast<std::uint8_t>(message.mail.ret),
           .smtputf8 = message.mail.smtputf8,
           .tls = message.mail.requiretls ? routing::SenderTls::required : routing::SenderTls::unspecified,
           .device = message.device,
           .stranger = std::move(stranger),
           .recipients = {},
           .targets = {},
           .looping = {}},
          message.authors};
}

void Intake::withdraw(const WithdrawEnvelope& message) {
  if (const auto found = connections_.find(message.connection); found != connections_.end())
    found->second->authorised.reset();
}

// policyd writes it, and what it writes may come from elsewhere: the form is looked at here too.
void Intake::submit(SubmitMessage&& message) {
  smtp::ChunkWatch form;
  form.feed(message.content);
  const bool is_well_formed = message.content.size() <= kMaxSubmitted && message.content.ends_with("\r\n") &&
                              !form.has_bare_line_end() && !form.has_overlong_line() &&
                              leads_somewhere(message.recipient) &&
                              message.recipient.accounts.size() <= kMaxTargets;
  const auto answer = [this, number = message.number](QueueId id) {
    if (policyd_) policyd_->send(Submitted{number, id});
  };
  if (!is_well_formed) {
    log::write("peer-misbehaved", {{"channel", "policyd-queued"},
                                   {"peer", "policyd"},
                                   {"reason", "submitted what is no message, or for nobody"}});
    return answer(0);
  }
  queue::Envelope envelope;
  envelope.reverse_path = std::move(message.reverse_path);
  envelope.body =
      static_cast<std::uint8_t>(message.eight_bit ? BodyType::eight_bit_mime : BodyType::seven_bit);
  own_mail_.send(own_mail_.new_id(), std::move(envelope), message.recipient, std::move(message.content),
                 answer);
}

// ---- connections

void Intake::connection_gone(ConnectionId id, event::ChannelEnd why) {
  if (why != event::ChannelEnd::closed) return misbehaved(id, event::channel_end_name(why));
  connections_.erase(id);
}

void Intake::misbehaved(ConnectionId id, const char* reason) {
  log::write("peer-misbehaved", {{"session", log::Id{id}}, {"channel", "queued"}, {"reason", reason}});
  connections_.erase(id);
}

void Intake::on_connection(ConnectionId id, ConnectionToQueued&& message) {
  Connection& connection = *connections_.at(id);
  if (connection.channel->queued() > 0) return misbehaved(id, "it does not read its answers");
  std::visit(Overloaded{[&](Content& m) { content(connection, std::move(m)); },
                        [&](const AbandonContent& m) {
                          if (connection.receiving &&
                              connection.receiving->envelope.transaction == m.transaction)
                            connection.receiving.reset();
                        }},
             message);
}

void Intake::content(Connection& connection, Content&& message) {
  if (connection.receiving && connection.receiving->envelope.transaction != message.transaction)
    connection.receiving.reset();
  if (!connection.receiving && !begin(connection, message.transaction)) return;
  Connection::Receiving& receiving = *connection.receiving;
  const TransactionId transaction = message.transaction;
  if (!receiving.keep_header(message.bytes))
    return refuse(connection, transaction, {552, "5.3.4", "The header is too long"}, "header too long");
  if (receiving.incoming->length() + message.bytes.size() > config_.smtpd.max_message_size + kAddedOctets)
    return refuse(connection, transaction, too_big(), "too big");
  if (receiving.incoming->file() && !queue_.has_space())
    return refuse(connection, transaction, no_space(), "no place for the content");
  if (receiving.tls_required) receiving.tls_required->feed(message.bytes);
  if (receiving.delivered_to) receiving.delivered_to->feed(message.bytes);
  const auto problem = receiving.incoming->add(std::move(message.bytes));
  if (problem != queue::Incoming::Problem::none)
    return refuse(connection, transaction, reply_to(problem), "no place for the content");
  if (message.last) commit(connection);
}

// The envelope is used up with the first octet.
bool Intake::begin(Connection& connection, TransactionId transaction) {
  if (transaction == connection.refused) return false;
  if (!connection.authorised || connection.authorised->transaction != transaction) {
    log::write("envelope-refused",
               {{"session", log::Id{connection.id}}, {"reason", "no envelope was authorised"}});
    refuse(connection, transaction, {550, "5.7.1", "This message was not authorised"}, "not authorised");
    return false;
  }
  Authorised envelope = std::move(*connection.authorised);
  connection.authorised.reset();
  const QueueId id = envelope.id;
  connection.receiving.emplace(std::move(envelope), queue_.begin(id), std::string{}, false, std::nullopt,
                               std::nullopt);
  if (may_ask_for_less_tls(connection.receiving->envelope.envelope))
    connection.receiving->tls_required.emplace();
  if (any_stays(connection.receiving->envelope.envelope)) connection.receiving->delivered_to.emplace();
  return true;
}

void Intake::refuse(Connection& connection, TransactionId transaction, Reply reply,
                    const std::string& reason) {
  std::string queue_id, sender;
  if (connection.receiving) {
    queue_id = queue::id_text(connection.receiving->envelope.id);
    sender = connection.receiving->envelope.envelope.reverse_path;
  }
  log::write("message-refused", {{"session", log::Id{connection.id}},
                                 {"queue", queue_id},
                                 {"sender", sender},
                                 {"reply", reply.code},
                                 {"reason", reason}});
  connection.receiving.reset();
  connection.refused = transaction;
  connection.channel->send(ContentReply{transaction, std::move(reply)});
}

bool Intake::authors_are_allowed(const std::string& header, const std::vector<std::string>& allowed) const {
  const rfc5322::Authors authors = rfc5322::from_authors(header);
  if (!authors.unambiguous()) return false;
  const policy::DomainSet local_domains{config_.domains.begin(), config_.domains.end()};
  return std::ranges::all_of(authors.addresses, [&](const std::string& text) {
    const auto author = policy::parse_address(text);
    return author && std::ranges::any_of(allowed, [&](const std::string& own_text) {
             return policy::matches_sender_pattern(*author, own_text, config_.policyd.recipient_delimiter,
                                                   local_domains);
           });
  });
}

void Intake::commit(Connection& connection) {
  Connection::Receiving& receiving = *connection.receiving;
  const TransactionId transaction = receiving.envelope.transaction;
  if (!receiving.envelope.authors.empty() &&
      !authors_are_allowed(receiving.header, receiving.envelope.authors))
    return refuse(connection, transaction,
                  {550, "5.7.1",
                   "From and Sender must name addresses of the account or device that sends, and only such"},
                  "author not allowed");
  if (receiving.tls_required && receiving.tls_required->says_no())
    receiving.envelope.envelope.tls = routing::SenderTls::optional;
  if (receiving.delivered_to) {
    receiving.delivered_to->end();
    receiving.envelope.envelope.looping = loops_of(receiving.envelope.envelope, *receiving.delivered_to);
  }
  // Where others get it too, these alone hear of the loop (LocalDelivery).
  if (const queue::Envelope& envelope = receiving.envelope.envelope;
      !envelope.looping.empty() && envelope.looping.size() == envelope.targets.size())
    return refuse(connection, transaction, delivered_before(), "loop");
  const QueueId id = receiving.envelope.id;
  const std::uint64_t size = receiving.incoming->length();
  auto envelope = std::make_shared<const queue::Envelope>(std::move(receiving.envelope.envelope));
  std::unique_ptr<queue::Incoming> incoming = std::move(receiving.incoming);
  connection.receiving.reset();
  queue_.accept(
      std::move(incoming), *envelope, microseconds_now(),
      [this, id, size, transaction, envelope](queue::Outcome outcome, queue::SharedContent content) {
        const auto found = connections_.find(envelope->connection);
        if (found != connections_.end())
          found->second->channel->send(ContentReply{transaction, reply_to(outcome, id)});
        if (outcome != queue::Outcome::durable) return;
        log::write("message-queued", {{"session", log::Id{envelope->connection}},
                                      {"queue", queue::id_text(id)},
                                      {"sender", envelope->reverse_path},
                                      {"recipients", envelope->recipients.size()},
                                      {"size", size}});
        on_accepted_(id, *envelope, std::move(content));
      });
}

}  // namespace mailroom::queued
