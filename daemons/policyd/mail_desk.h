// Envelopes: an SMTP connection asks about a sender or a recipient; this gathers the facts, decides, and has
// queued hold what is accepted before it answers.  A connection has one question at a time and one envelope
// at a time.
//
// What arrives on a connection's channel is that connection's, and no more: its identity is what the login
// desk noted for it, its transactions only count upwards, and within one the reverse-path and the parameters
// of MAIL stay as they were. A question that breaks this ends the channel.
//
// What queued holds has one speaker, the one of its first recipient: when another one comes out for a later
// recipient, since a device has been approved or a grant has run out meanwhile, the transaction is refused
// for now, and all that was held of it is withdrawn.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemons/policyd/deadlines.h"
#include "daemons/policyd/judge.h"
#include "daemons/policyd/login_desk.h"
#include "daemons/policyd/name_desk.h"
#include "daemons/policyd/peers.h"
#include "libcommon/event/channel_handler.h"

namespace mailroom::policyd {

// How long queued may take to hold a recipient; then 451.
inline constexpr std::chrono::seconds kAuthoriseTime{30};

class MailDesk {
 public:
  MailDesk(event::Loop& loop, Peers& peers, Judge& judge, policy::LimitBook& limits, NameDesk& names,
           const LoginDesk& logins, std::chrono::milliseconds authorise_time = kAuthoriseTime);
  ~MailDesk();

  void open(const Connection& connection, Fd fd);
  // Withdraws its envelope and ends its channel.
  void close(ConnectionId connection);

  void authorised(const Authorised& message);
  // The queue was started afresh, and holds none of the envelopes any more.
  void queued_gone();
  // A grant of POP-before-SMTP has been revoked: what is held by one from there is withdrawn.
  void grant_revoked(const IpNetwork& network);
  // So is what a device holds that was suspended, removed or changed.
  void device_changed(const std::string& device);

 private:
  struct Waiting;  // for queued
  struct Client;
  struct Due {
    ConnectionId connection;
    std::uint64_t question;
  };

  void on_message(ConnectionId connection, ConnectionToPolicyd&& message);
  void on_end(ConnectionId connection, event::ChannelEnd why);
  void misbehaved(ConnectionId connection, const char* reason);

  void check_sender(Client& client, const CheckSender& question);
  void check_recipient(Client& client, CheckRecipient&& question);
  void find_name(ConnectionId connection);
  void name_found(ConnectionId connection, const policy::ReverseNameFound& found);
  const char* violation(const Client& client, const CheckRecipient& question) const;
  void begin_transaction(Client& client, const CheckRecipient& question);
  void authorise(Client& client, CheckRecipient&& question, Judgement& judgement);
  void count(const Client& client, const Waiting& accepted);
  void withdraw(Client& client);
  void take_back(Client& client);
  void answer_unavailable(Client& client);
  void expire(const Due& due);

  Question question_of(const Client& client) const;
  Judgement judge(const Client& client, policy::Stage stage, std::string_view reverse_path,
                  std::string_view forward_path);

  event::Loop& loop_;
  Peers& peers_;
  Judge& judge_;
  policy::LimitBook& limits_;
  NameDesk& names_;
  const LoginDesk& logins_;
  std::uint64_t questions_ = 0;
  std::map<ConnectionId, std::unique_ptr<Client>> clients_;
  Deadlines<Due> deadlines_;
};

}  // namespace mailroom::policyd
