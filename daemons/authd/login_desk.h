// Logins: each connection's SASL exchange, the check of its password, and what policyd says to the proved
// name.
//
// An exchange is authd's own (PLAIN, LOGIN: Exchange; SCRAM: ScramExchange), krbd's, or certd's.
//
//   idle -- SaslStart --> exchanging -- SaslRespond* --> checking --> proving --> succeeded
//                          |  SaslCancel                  |            | NotAdmitted
//                          v                              v            v
//                         idle <----------------------- refusing (an answer that waits its time)
//
// A request out of turn ends the connection's channel.  Every failure is answered authd.failure-delay after
// the attempt began, whatever the reason was: wrong password, unknown name, impossible name.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "daemons/authd/certificate_desk.h"
#include "daemons/authd/exchange.h"
#include "daemons/authd/failure_counts.h"
#include "daemons/authd/secret_store.h"
#include "daemons/authd/ticket_desk.h"
#include "daemons/channels/authd.h"
#include "daemons/config.h"
#include "libcommon/event/channel_handler.h"
#include "libcommon/event/thread_pool.h"

namespace mailroom::authd {

// Attempts of one connection; after that each is refused.
inline constexpr unsigned kMaxAttempts = 20;
// Exchanges of one connection, also those that never came to a password; the engines end a connection long
// before.
inline constexpr unsigned kMaxExchanges = 200;

class LoginDesk {
 public:
  // Gives policyd a message; false when it is not there.
  using TellPolicyd = std::function<bool(const AuthdToPolicyd&)>;

  LoginDesk(event::Loop& loop, const Config& config, SecretStore& store, event::ThreadPool& pool,
            TicketDesk& tickets, CertificateDesk& certificates, TellPolicyd tell_policyd);
  ~LoginDesk();

  void open(const ConnectionOpened& connection, Fd fd);
  void close(ConnectionId connection);
  bool is_open(ConnectionId connection) const { return clients_.contains(connection); }
  std::size_t count() const { return clients_.size(); }

  void admitted(const Admitted& message);
  void not_admitted(const NotAdmitted& message);
  // Nobody can be admitted now: who waits for it is told to try again.
  void policyd_gone();
  void reconfigured();

 private:
  using Time = std::chrono::steady_clock::time_point;
  using Channel = event::ChannelHandler<AuthdToConnection, ConnectionToAuthd>;
  struct Client;
  struct Checked;

  void on_message(ConnectionId connection, ConnectionToAuthd&& message);
  void on_end(ConnectionId connection, event::ChannelEnd why);
  void misbehaved(ConnectionId connection, const char* reason);

  void end_exchange(Client& client);
  void take(Client& client, Exchange::Step&& step);

  // Kerberos (login_tickets.cc)
  bool is_by_ticket(const SaslStart& message) const;
  void start_ticket(Client& client, SaslStart&& message);
  void respond_ticket(Client& client, SaslRespond&& message);
  void respond_kpop(Client& client, const std::string& user);
  void drop_ticket(Client& client);
  TicketDesk::OnStep on_ticket(Client& client);
  void ticket_step(Client& client, TicketDesk::Step&& step);
  void ticket_proved(Client& client, const TicketDesk::Proved& proved);
  void ask_kdc(Client& client, const StoredSecret& secret, const Secret& password);

  // EXTERNAL (login_certificate.cc)
  bool is_by_certificate(const SaslStart& message) const;
  void start_certificate(Client& client, SaslStart&& message);
  void respond_certificate(Client& client, std::string&& authzid);
  void drop_certificate(Client& client);
  void certificate_step(Client& client, CertificateDesk::Step&& step);
  void certificate_refused(Client& client, std::string_view reason, LoginRefusal refusal);

  // SCRAM (login_scram.cc)
  bool is_scram(const std::string& mechanism) const;
  void start_scram(Client& client, SaslStart&& message);
  void respond_scram(Client& client, std::string&& message);
  void scram_first(Client& client, const std::string& message);
  void scram_final(Client& client, const std::string& message);
  ScramVerifier verifier_for(Client& client);

  void check(Client& client, Attempt&& attempt);
  bool is_shared(const IpAddress& address) const;
  void count_failure(const Client& client);
  bool is_shut_out(const Client& client);
  StoredSecret find(const std::string& text);
  void checked(const Checked& result);
  void refused_by_check(Client& client, LoginRefusal refusal);
  bool still_proves(const Client& client);
  void prove(Client& client);
  void prove_in_time(Client& client);
  void note_age(Client& client, const PasswordFacts& facts);
  void keep_facts(const Checked& result);
  std::chrono::milliseconds delay_for(const std::string& name);

  void fail(Client& client, LoginRefusal refusal);
  void answer_later(Client& client, std::chrono::milliseconds delay, std::function<void(Client&)> then);

  event::Loop& loop_;
  const Config& config_;
  SecretStore& store_;
  event::ThreadPool& pool_;
  TicketDesk& tickets_;
  CertificateDesk& certificates_;
  TellPolicyd tell_policyd_;
  FailureCounts<std::string> by_name_;
  FailureCounts<IpAddress> by_address_;
  FailureCounts<std::pair<IpAddress, std::string>> by_address_and_name_;
  std::map<ConnectionId, std::unique_ptr<Client>> clients_;
  std::shared_ptr<LoginDesk*> self_;  // empty for jobs that outlive this
};

}  // namespace mailroom::authd
