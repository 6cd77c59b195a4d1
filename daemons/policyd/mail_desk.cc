#include "daemons/policyd/mail_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/log.h"
#include "libcommon/protocol/smtp/bounds.h"
#include "spool/queue/queue_id.h"

namespace mailroom::policyd {
namespace {

constexpr std::string_view kQueueAway = "queue-unavailable";  // beside the policy's rules

Reply unavailable() { return {451, "4.3.0", "The queue cannot take mail now; please try again later"}; }

Reply reply_of(const policy::Verdict& verdict) { return {verdict.code, verdict.enhanced, verdict.text}; }

std::string facts_in_words(const Judgement& judgement) {
  std::string words = policy::summary(judgement.facts);
  if (!judgement.speaker.empty()) words += ",speaker=" + judgement.speaker;
  return words;
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool are_possible(const MailParameters& mail, const RecipientParameters& recipient) {
  constexpr auto kNever = static_cast<std::uint8_t>(Notify::never);
  if (recipient.notify > static_cast<std::uint8_t>(Notify::kLast)) return false;
  if ((recipient.notify & kNever) != 0 && recipient.notify != kNever) return false;  // RFC 3461 4.1
  return mail.envid.size() <= smtp::kMaxEnvid && is_printable(mail.envid) &&
         recipient.orcpt.size() <= smtp::kMaxOrcpt && is_printable(recipient.orcpt);
}

}  // namespace

using Channel = event::ChannelHandler<PolicydToConnection, ConnectionToPolicyd>;

struct MailDesk::Waiting {
  std::uint64_t question;
  policy::Verdict verdict;
  std::string forward_path;
  std::string facts;  // in words, for the log
  std::optional<policy::LimitBook::Key> counted;
  std::vector<policy::LimitRow> own_limits;
};

struct MailDesk::Client {
  Connection connection;
  std::unique_ptr<Channel> channel;

  // The transaction, as its first question said.
  TransactionId transaction = 0;
  std::string reverse_path;
  std::string mail;  // MailParameters, encoded
  std::uint32_t recipients = 0;
  bool held = false;      // queued may hold an envelope of this connection
  bool by_grant = false;  // ... and what lets it is POP-before-SMTP
  std::string device;     // ... or this device's registration; empty: none
  std::string submitter;  // ... whose message it is, there
  bool over = false;      // it was reset
  bool broken = false;    // what queued held is lost: the rest of the transaction is refused for now

  std::uint32_t unknown_recipients = 0;

  std::optional<Waiting> waiting;

  // At the relay: the client's name, and the question that waits for it.
  bool wants_name = false;
  policy::ReverseNameFound name;
  std::optional<ConnectionToPolicyd> postponed;

  bool holds_for_another(const Judgement& now) const {
    return held && (device != now.device || submitter != now.submitter);
  }
  void answer(const Reply& reply, std::string_view rule, QueueId queue_id = 0) {
    channel->send(mailroom::Verdict{transaction, reply, std::string{rule}, queue_id});
  }
};

MailDesk::MailDesk(event::Loop& loop, Peers& peers, Judge& judge, policy::LimitBook& limits, NameDesk& names,
                   const LoginDesk& logins, std::chrono::milliseconds authorise_time)
    : loop_{loop}, peers_{peers}, judge_{judge}, limits_{limits}, names_{names}, logins_{logins},
      deadlines_{loop, authorise_time, [this](const Due& due) { expire(due); }} {}

MailDesk::~MailDesk() = default;

void MailDesk::grant_revoked(const IpNetwork& network) {
  for (auto& [id, client] : clients_)
    if (client->held && client->by_grant && network.contains(client->connection.peer)) take_back(*client);
}

void MailDesk::device_changed(const std::string& device) {
  for (auto& [id, client] : clients_)
    if (client->held && client->device == device) take_back(*client);
}

void MailDesk::take_back(Client& client) {
  withdraw(client);
  client.broken = true;
  if (client.waiting) answer_unavailable(client);
}

// ---- connections

void MailDesk::open(const Connection& connection, Fd fd) {
  auto client = std::make_unique<Client>();
  client->connection = connection;
  const ConnectionId id = connection.id;
  client->channel = std::make_unique<Channel>(
      loop_, std::move(fd), 0,
      [this, id](ConnectionToPolicyd&& message, std::vector<Fd>&&) { on_message(id, std::move(message)); },
      [this, id](event::ChannelEnd why) { on_end(id, why); });
  client->wants_name = connection.service == Service::relay;
  clients_.emplace(id, std::move(client));
  if (connection.service == Service::relay) find_name(id);
}

void MailDesk::find_name(ConnectionId connection) {
  names_.find(clients_.at(connection)->connection.peer,
              [this, connection](const policy::ReverseNameFound& found) { name_found(connection, found); });
}

void MailDesk::name_found(ConnectionId connection, const policy::ReverseNameFound& found) {
  const auto client = clients_.find(connection);
  if (client == clients_.end()) return;  // has gone meanwhile
  client->second->wants_name = false;
  client->second->name = found;
  if (auto question = std::exchange(client->second->postponed, std::nullopt))
    on_message(connection, std::move(*question));
}

void MailDesk::close(ConnectionId connection) {
  const auto found = clients_.find(connection);
  if (found == clients_.end()) return;
  withdraw(*found->second);
  clients_.erase(found);
}

void MailDesk::on_end(ConnectionId connection, event::ChannelEnd why) {
  if (why != event::ChannelEnd::closed) return misbehaved(connection, event::channel_end_name(why));
  close(connection);
}

void MailDesk::misbehaved(ConnectionId connection, const char* reason) {
  log::write("peer-misbehaved",
             {{"session", log::Id{connection}}, {"channel", "connection"}, {"reason", reason}});
  close(connection);
}

// ---- questions

void MailDesk::on_message(ConnectionId connection, ConnectionToPolicyd&& message) {
  Client& client = *clients_.at(connection);
  if (client.waiting || client.postponed)
    return misbehaved(connection, "a question before the answer to the last one");
  if (client.channel->queued() > 0) return misbehaved(connection, "it does not read its answers");
  if (const auto* question = std::get_if<CheckSender>(&message)) return check_sender(client, *question);
  if (client.wants_name && !std::holds_alternative<ResetTransaction>(message)) {
    client.postponed = std::move(message);
    return;
  }
  if (std::holds_alternative<AskQuirks>(message)) {
    client.channel->send(DeviceQuirks{judge_.device_quirks(question_of(client))});
    return;
  }
  if (auto* question = std::get_if<CheckRecipient>(&message)) {
    if (const char* reason = violation(client, *question)) return misbehaved(connection, reason);
    return check_recipient(client, std::move(*question));
  }
  client.over = true;  // ResetTransaction
  withdraw(client);
}

void MailDesk::check_sender(Client& client, const CheckSender& question) {
  const Judgement judgement = judge(client, policy::Stage::sender, question.reverse_path, {});
  const policy::Verdict& verdict = judgement.verdict;
  if (verdict.action != policy::Action::accept)
    log::write("sender-refused", {{"session", log::Id{client.connection.id}},
                                  {"sender", question.reverse_path},
                                  {"reply", verdict.code},
                                  {"rule", verdict.rule},
                                  {"facts", facts_in_words(judgement)}});
  client.channel->send(
      mailroom::Verdict{question.transaction, reply_of(verdict), std::string{verdict.rule}, 0});
}

// What no honest smtpd asks.
const char* MailDesk::violation(const Client& client, const CheckRecipient& question) const {
  if (question.transaction == 0 || question.transaction < client.transaction) return "an earlier transaction";
  if (question.reverse_path.size() > smtp::kMaxPath || question.forward_path.size() > smtp::kMaxPath)
    return "a path that is too long";
  if (question.helo.size() > smtp::kMaxDomain) return "a name that is too long";
  if (!are_possible(question.mail, question.recipient)) return "impossible parameters";
  if (question.transaction > client.transaction) return nullptr;
  if (client.over) return "a transaction that is over";
  if (question.reverse_path != client.reverse_path || ipc::encode(question.mail) != client.mail)
    return "another envelope in the same transaction";
  return nullptr;
}

void MailDesk::begin_transaction(Client& client, const CheckRecipient& question) {
  withdraw(client);
  client.transaction = question.transaction;
  client.reverse_path = question.reverse_path;
  client.mail = ipc::encode(question.mail);
  client.recipients = 0;
  client.by_grant = client.over = client.broken = false;
  client.device.clear();
  client.submitter.clear();
}

void MailDesk::check_recipient(Client& client, CheckRecipient&& question) {
  if (question.transaction > client.transaction) begin_transaction(client, question);
  Judgement judgement = judge(client, policy::Stage::recipient, question.reverse_path, question.forward_path);
  if (judgement.verdict.action == policy::Action::accept)
    return authorise(client, std::move(question), judgement);
  if (judgement.verdict.rule == "unknown-recipient") ++client.unknown_recipients;
  log::write("recipient-refused", {{"session", log::Id{client.connection.id}},
                                   {"sender", question.reverse_path},
                                   {"recipient", question.forward_path},
                                   {"reply", judgement.verdict.code},
                                   {"rule", judgement.verdict.rule},
                                   {"facts", facts_in_words(judgement)}});
  client.answer(reply_of(judgement.verdict), judgement.verdict.rule);
}

// ---- what queued holds

void MailDesk::authorise(Client& client, CheckRecipient&& question, Judgement& judgement) {
  if (client.holds_for_another(judgement)) take_back(client);
  if (client.broken) return client.answer(unavailable(), kQueueAway);
  AuthoriseRecipient envelope;
  envelope.connection = client.connection.id;
  envelope.transaction = question.transaction;
  envelope.reverse_path = question.reverse_path;
  envelope.mail = std::move(question.mail);
  envelope.submitter = judgement.submitter;
  envelope.device = judgement.device;
  envelope.is_stranger = judgement.submitter.empty() && !judgement.facts.on_campus;
  if (envelope.is_stranger) envelope.helo = std::move(question.helo);
  envelope.authors = std::move(judgement.authors);
  envelope.recipient = {question.forward_path, std::move(judgement.targets), std::move(judgement.domain),
                        std::move(question.recipient)};
  if (!peers_.tell_queued(envelope)) return client.answer(unavailable(), kQueueAway);
  client.held = true;
  client.by_grant = client.by_grant || judgement.verdict.rule == "grant-to-anybody";
  client.device = std::move(judgement.device);
  client.submitter = std::move(judgement.submitter);
  client.waiting = {++questions_,
                    std::move(judgement.verdict),
                    std::move(question.forward_path),
                    facts_in_words(judgement),
                    std::move(judgement.counted),
                    std::move(judgement.own_limits)};
  deadlines_.add({client.connection.id, client.waiting->question});
}

void MailDesk::authorised(const Authorised& message) {
  const auto found = clients_.find(message.connection);
  if (found == clients_.end()) return;  // has gone meanwhile; what it had was withdrawn
  Client& client = *found->second;
  if (!client.waiting || message.transaction != client.transaction) return;  // timed out, and withdrawn
  const Waiting waiting = std::move(*std::exchange(client.waiting, std::nullopt));
  if (message.queue_id == 0) return client.answer(message.refusal, kQueueAway);
  count(client, waiting);
  ++client.recipients;
  log::write("recipient-accepted", {{"session", log::Id{message.connection}},
                                    {"queue", queue::id_text(message.queue_id)},
                                    {"sender", client.reverse_path},
                                    {"recipient", waiting.forward_path},
                                    {"rule", waiting.verdict.rule},
                                    {"facts", waiting.facts}});
  client.answer(reply_of(waiting.verdict), waiting.verdict.rule, message.queue_id);
}

// A message counts with its first recipient, whether its content follows or not.
void MailDesk::count(const Client& client, const Waiting& accepted) {
  if (!accepted.counted) return;
  const unsigned new_messages = client.recipients == 0 ? 1 : 0;
  const auto passed =
      limits_.count(*accepted.counted, new_messages, std::chrono::steady_clock::now(), accepted.own_limits);
  for (const policy::LimitRow& row : passed)
    log::write("limit-passed", {{"session", log::Id{client.connection.id}},
                                {"scope", policy::scope_word(row.scope)},
                                {"name", accepted.counted->name},
                                {"unit", policy::unit_word(row.unit)},
                                {"period", policy::period_word(row.period)},
                                {"limit", row.soft}});
}

void MailDesk::withdraw(Client& client) {
  if (client.held) peers_.tell_queued(WithdrawEnvelope{client.connection.id});
  client.held = false;
}

void MailDesk::answer_unavailable(Client& client) {
  client.broken = true;
  client.waiting.reset();
  client.answer(unavailable(), kQueueAway);
}

void MailDesk::expire(const Due& due) {
  const auto found = clients_.find(due.connection);
  if (found == clients_.end() || !found->second->waiting || found->second->waiting->question != due.question)
    return;
  withdraw(*found->second);
  answer_unavailable(*found->second);
}

void MailDesk::queued_gone() {
  for (auto& [id, client] : clients_) {
    if (!client->held) continue;
    client->held = false;
    client->broken = true;
    if (client->waiting) answer_unavailable(*client);
  }
}

// ---- the verdict

Question MailDesk::question_of(const Client& client) const {
  return {.listener = listener_of(client.connection.service),
          .client = client.connection.peer,
          .login = logins_.identity(client.connection.id),
          .principal = logins_.principal(client.connection.id),
          .reverse_name = client.name,
          .unknown_recipients = client.unknown_recipients,
          .recipients = client.recipients};
}

Judgement MailDesk::judge(const Client& client, policy::Stage stage, std::string_view reverse_path,
                          std::string_view forward_path) {
  Question question = question_of(client);
  question.stage = stage;
  question.reverse_path = reverse_path;
  question.forward_path = forward_path;
  return judge_.judge(question);
}

}  // namespace mailroom::policyd
