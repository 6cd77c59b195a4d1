#include "daemons/policyd/mail_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/log.h"
#include "libcommon/protocol/smtp/bounds.h"
#include "spool/queue/queue_id.h"

namespace mailroom::policyd {
namespace {

// Octets of the authors' addresses of one envelope, so that it fits a packet.
constexpr std::size_t kMaxAuthors = 48 * 1024;

constexpr std::string_view kQueueAway = "queue-unavailable";  // beside the policy's rules

Reply unavailable() { return {451, "4.3.0", "The queue cannot take mail now; please try again later"}; }

Reply reply_of(const policy::Verdict& verdict) { return {verdict.code, verdict.enhanced, verdict.text}; }

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

std::vector<std::string> bounded(std::vector<std::string> addresses) {
  std::size_t octets = 0, kept = 0;
  while (kept < addresses.size() && (octets += addresses[kept].size() + 4) <= kMaxAuthors) ++kept;
  addresses.resize(kept);
  return addresses;
}

}  // namespace

using Channel = event::ChannelHandler<PolicydToConnection, ConnectionToPolicyd>;

struct MailDesk::Client {
  Connection connection;
  std::unique_ptr<Channel> channel;

  // The transaction, as its first question said.
  TransactionId transaction = 0;
  std::string reverse_path;
  std::string mail;  // MailParameters, encoded
  std::uint32_t recipients = 0;
  bool held = false;    // queued may hold an envelope of this connection
  bool over = false;    // it was reset
  bool broken = false;  // what queued held is lost: the rest of the transaction is refused for now

  std::uint32_t unknown_recipients = 0;

  struct Waiting {  // for queued
    std::uint64_t question;
    policy::Verdict verdict;
    std::string forward_path;
  };
  std::optional<Waiting> waiting;

  void answer(const Reply& reply, std::string_view rule, QueueId queue_id = 0) {
    channel->send(mailroom::Verdict{transaction, reply, std::string{rule}, queue_id});
  }
};

// What the directory says about one question.
struct MailDesk::Judgement {
  policy::Facts facts;
  std::vector<AccountId> targets;
  std::string domain;  // of a remote recipient
  std::string submitter;
  std::vector<std::string> authors;
  policy::Verdict verdict;
};

MailDesk::MailDesk(event::Loop& loop, Peers& peers, state::Directory& directory, const Config& config,
                   const LoginDesk& logins, std::chrono::milliseconds authorise_time)
    : loop_{loop}, peers_{peers}, directory_{directory}, logins_{logins}, site_{config},
      max_recipients_{config.smtpd.max_recipients}, deadlines_{loop, authorise_time,
                                                               [this](const Due& due) { expire(due); }} {}

MailDesk::~MailDesk() = default;

void MailDesk::reconfigured(const Config& config) {
  site_ = Site{config};
  max_recipients_ = config.smtpd.max_recipients;
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
  clients_.emplace(id, std::move(client));
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
  if (client.waiting) return misbehaved(connection, "a question before the answer to the last one");
  if (client.channel->queued() > 0) return misbehaved(connection, "it does not read its answers");
  if (const auto* question = std::get_if<CheckSender>(&message)) return check_sender(client, *question);
  if (auto* question = std::get_if<CheckRecipient>(&message)) {
    if (const char* reason = violation(client, *question)) return misbehaved(connection, reason);
    return check_recipient(client, std::move(*question));
  }
  client.over = true;  // ResetTransaction
  withdraw(client);
}

void MailDesk::check_sender(Client& client, const CheckSender& question) {
  const policy::Verdict verdict = judge(client, policy::Stage::sender, question.reverse_path, {}).verdict;
  if (verdict.action != policy::Action::accept)
    log::write("sender-refused", {{"session", log::Id{client.connection.id}},
                                  {"sender", question.reverse_path},
                                  {"reply", verdict.code},
                                  {"rule", verdict.rule}});
  client.channel->send(
      mailroom::Verdict{question.transaction, reply_of(verdict), std::string{verdict.rule}, 0});
}

// What no honest smtpd asks.
const char* MailDesk::violation(const Client& client, const CheckRecipient& question) const {
  if (question.transaction == 0 || question.transaction < client.transaction) return "an earlier transaction";
  if (question.reverse_path.size() > smtp::kMaxPath || question.forward_path.size() > smtp::kMaxPath)
    return "a path that is too long";
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
  client.over = client.broken = false;
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
                                   {"rule", judgement.verdict.rule}});
  client.answer(reply_of(judgement.verdict), judgement.verdict.rule);
}

// ---- what queued holds

void MailDesk::authorise(Client& client, CheckRecipient&& question, Judgement& judgement) {
  if (client.broken) return client.answer(unavailable(), kQueueAway);
  AuthoriseRecipient envelope;
  envelope.connection = client.connection.id;
  envelope.transaction = question.transaction;
  envelope.reverse_path = question.reverse_path;
  envelope.mail = std::move(question.mail);
  envelope.submitter = std::move(judgement.submitter);
  envelope.authors = std::move(judgement.authors);
  envelope.recipient = {question.forward_path, std::move(judgement.targets), std::move(judgement.domain),
                        std::move(question.recipient)};
  if (!peers_.tell_queued(envelope)) return client.answer(unavailable(), kQueueAway);
  client.held = true;
  client.waiting = {++questions_, std::move(judgement.verdict), std::move(question.forward_path)};
  deadlines_.add({client.connection.id, client.waiting->question});
}

void MailDesk::authorised(const Authorised& message) {
  const auto found = clients_.find(message.connection);
  if (found == clients_.end()) return;  // has gone meanwhile; what it had was withdrawn
  Client& client = *found->second;
  if (!client.waiting || message.transaction != client.transaction) return;  // timed out, and withdrawn
  const Client::Waiting waiting = std::move(*std::exchange(client.waiting, std::nullopt));
  if (message.queue_id == 0) return client.answer(message.refusal, kQueueAway);
  ++client.recipients;
  log::write("recipient-accepted", {{"session", log::Id{message.connection}},
                                    {"queue", queue::id_text(message.queue_id)},
                                    {"sender", client.reverse_path},
                                    {"recipient", waiting.forward_path},
                                    {"rule", waiting.verdict.rule}});
  client.answer(reply_of(waiting.verdict), waiting.verdict.rule, message.queue_id);
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

// ---- facts

MailDesk::Judgement MailDesk::judge(const Client& client, policy::Stage stage,
                                    const std::string& reverse_path, const std::string& forward_path) {
  Judgement judgement;
  policy::Facts& facts = judgement.facts;
  facts.stage = stage;
  facts.listener =
      client.connection.service == Service::mx ? policy::Listener::mx : policy::Listener::submission;
  facts.unknown_recipients = client.unknown_recipients;
  facts.recipients = client.recipients;
  facts.max_recipients = max_recipients_;
  try {
    const state::View view = directory_.view();
    gather_sender(client, view, reverse_path, judgement);
    if (stage == policy::Stage::recipient) gather_recipient(view, forward_path, judgement);
  } catch (const std::exception& error) {
    log::write("state-failed", {{"reason", error.what()}});
    facts.directory = policy::Directory::failed;
  }
  judgement.verdict = policy::decide(facts);
  return judgement;
}

void MailDesk::gather_sender(const Client& client, const state::View& view, const std::string& reverse_path,
                             Judgement& judgement) {
  policy::Facts& facts = judgement.facts;
  const auto sender = policy::parse_address(reverse_path);
  facts.sender = reverse_path.empty()                ? policy::Sender::null
                 : !sender || sender->domain.empty() ? policy::Sender::malformed
                                                     : policy::Sender::foreign;
  const auto identity = logins_.identity(client.connection.id);
  const auto account = identity ? view.account(*identity) : std::nullopt;
  if (!account) return;
  const bool may_submit = (account->services & state::kSubmission) != 0;
  facts.login = account->disabled ? policy::Login::disabled
                : may_submit      ? policy::Login::active
                                  : policy::Login::service_off;
  facts.own_address = site_.shown_address(view, *account);
  if (facts.sender == policy::Sender::foreign) {
    const Found owners = site_.look_up(view, *sender);
    if (std::ranges::find(owners.accounts, account->id) != owners.accounts.end())
      facts.sender = policy::Sender::own;
  }
  judgement.submitter = account->name;
  judgement.authors = bounded(site_.addresses_of(view, *account));
}

void MailDesk::gather_recipient(const state::View& view, const std::string& forward_path,
                                Judgement& judgement) {
  const auto recipient = policy::parse_address(forward_path);
  if (!recipient) return;  // malformed
  Found found = site_.look_up(view, *recipient);
  judgement.facts.recipient = found.kind;
  judgement.targets = std::move(found.accounts);
  if (found.kind == policy::Recipient::foreign) judgement.domain = recipient->domain;
}

}  // namespace mailroom::policyd
