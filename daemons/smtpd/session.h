// One SMTP connection from greeting to end (RFC 5321), for every listener class.
//
// The engine owns no descriptor and holds no authority: it speaks with its client through a Stream, carries
// questions to Policy and Authenticator and content to Spool, and says what they answer.  It is given to a
// process of its own for each connection, and blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "daemons/dialogue/clock.h"
#include "daemons/dialogue/dialogue.h"
#include "daemons/listener/authenticator.h"
#include "daemons/listener/tls_upgrade.h"
#include "daemons/smtpd/facts.h"
#include "daemons/smtpd/incoming_message.h"
#include "daemons/smtpd/policy.h"
#include "daemons/smtpd/spool.h"
#include "daemons/smtpd/verbs.h"
#include "libcommon/protocol/smtp/refusal.h"

namespace mailroom {

// Who the engine speaks with.
struct SmtpPeers {
  Stream& client;
  Policy& policy;
  Spool& spool;
  Authenticator& authenticator;
  TlsUpgrade& tls;
  Clock& clock;
};

// Serves the connection to its end, whichever it is; throws nothing but std::bad_alloc.
void run_smtp(const SmtpFacts& facts, const SmtpPeers& peers);

class SmtpSession {
 public:
  SmtpSession(const SmtpFacts& facts, const SmtpPeers& peers);

  void run();

  // The handlers of the verbs table; each is called in its legal phases only.
  void auth(std::string_view argument);
  void bdat(std::string_view argument);
  void data(std::string_view argument);
  void ehlo(std::string_view argument);
  void expn(std::string_view argument);
  void helo(std::string_view argument);
  void help(std::string_view argument);
  void mail(std::string_view argument);
  void noop(std::string_view argument);
  void quit(std::string_view argument);
  void rcpt(std::string_view argument);
  void rset(std::string_view argument);
  void starttls(std::string_view argument);
  void vrfy(std::string_view argument);

 private:
  enum class Greeting : std::uint8_t { none, helo, ehlo };

  // What MAIL opened.
  struct Transaction {
    std::string reverse_path;  // empty: null
    MailParameters parameters;
    std::uint32_t recipients = 0;  // accepted
    QueueId queue_id = 0;
    std::unique_ptr<IncomingMessage> message;  // of BDAT, from its first chunk on
    smtp::ChunkWatch chunk_watch;
    std::uint64_t chunk_octets = 0;
  };

  // session.cc
  void greet();
  void serve_command();
  void dispatch(std::string_view line);
  void leave_with(const Reply& reply);
  void say_farewell(const StreamError& error);
  void reply(const Reply& reply);
  void reply(std::uint16_t code, std::string_view enhanced, std::string_view text);
  void refuse(const smtp::Refusal& refusal);
  void refuse(const Reply& refusal);
  void answer_refusal(const Reply& refusal);  // for one that has been logged
  void end_transaction();
  void forget_transaction();
  bool may_log_in() const;
  const policy::Quirks& forgiven();

  // greeting_commands.cc
  bool take_greeting(std::string_view argument, Greeting greeting);

  // login_commands.cc
  std::optional<std::string> read_sasl_response(std::string_view challenge);
  void finish_login(const AuthStep& step);
  void refuse_login(AuthFailure::Kind kind);

  // envelope_commands.cc
  bool may_send() const;
  void open_transaction(std::string reverse_path, MailParameters parameters);
  bool may_add_recipient();
  void take_verdict(const Verdict& verdict);
  void refuse_by(const Verdict& verdict);
  void delay_refusal();

  // content_commands.cc
  std::unique_ptr<IncomingMessage> begin_message();
  template <typename Scanner>
  void receive_data(IncomingMessage& message, Scanner scanner);
  void read_chunk(std::uint64_t size, smtp::ContentSink& sink);
  void refuse_chunk(std::uint64_t size, const Reply& refusal);
  void finish_chunks();
  void finish_message(IncomingMessage& message);
  std::string received_field() const;

  const SmtpFacts& facts_;
  const SmtpPeers& peers_;
  const SmtpdConfig& limits_;
  Dialogue dialogue_;
  Phase phase_ = Phase::fresh;
  Greeting greeting_ = Greeting::none;
  std::string helo_;
  Transaction transaction_;
  TransactionId transaction_id_ = 0;
  std::optional<policy::Quirks> forgiven_;  // as long as the client is the same
  bool tls_on_ = false;
  bool logged_in_ = false;
  bool ended_ = false;
  unsigned bad_commands_ = 0;
  unsigned errors_ = 0;
  unsigned idle_commands_ = 0;  // in a row
  unsigned failed_logins_ = 0;
  unsigned messages_ = 0;
};

}  // namespace mailroom
