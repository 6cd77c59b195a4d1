#include "daemons/pop3d/serve.h"

#include "daemons/listener/authenticator_client.h"
#include "daemons/listener/connection.h"
#include "daemons/listener/session_mailbox.h"
#include "daemons/listener/session_stream.h"
#include "daemons/log.h"
#include "daemons/pop3d/kpop.h"
#include "daemons/pop3d/mailbox_maildrop.h"
#include "daemons/pop3d/preauth.h"
#include "daemons/pop3d/session.h"

namespace mailroom {
namespace {

pop3d::TlsState tls_state(const Connection& connection) {
  if (connection.has_tls()) return pop3d::TlsState::active;
  return connection.can_start_tls() ? pop3d::TlsState::available : pop3d::TlsState::none;
}

}  // namespace

void serve_connection(BeforeLogin& process) {
  Connection connection{process};
  Stream& client = connection.open();
  AuthenticatorClient authenticator{std::move(process.to_authd), process.config, &connection};
  const bool kpop = process.listener.service == Service::kpop;
  if (kpop && !pop3d::take_ticket(client, authenticator, process.config.pop3d.login_timeout))
    return connection.close();
  const pop3d::PreauthFacts facts{.hostname = process.config.hostname,
                                  .connection = process.connection,
                                  .tls = tls_state(connection),
                                  .plaintext_login =
                                      process.listener.plaintext_login == PlaintextLogin::allowed,
                                  .kpop = kpop,
                                  .max_errors = process.config.pop3d.max_errors,
                                  .login_timeout = process.config.pop3d.login_timeout};
  SystemClock clock;
  if (auto proved = pop3d::run_preauth(client, facts, authenticator, connection, clock)) {
    const std::string context = proved->context;
    if (!connection.hand_over(context, std::move(proved->pre_read)))
      pop3d::refuse_session(connection.stream(), context);
  }
  connection.close();
}

void serve_session(AfterLogin& process) {
  SessionStream client{process};
  auto mail = mailbox::Mailbox::open(mailbox_options(process));
  if (!mail) {
    log_failure(process, mail.error());
    return pop3d::refuse_session(client, process.start.context);
  }
  log_rebuilt_index(process, *mail);
  const auto on_failure = failure_handler(process, *mail);
  const pop3d::SessionFacts facts{.notice = std::move(process.start.context),
                                  .pre_read = std::move(process.start.pre_read),
                                  .connection = process.connection,
                                  .account = process.name,
                                  .max_errors = process.config.pop3d.max_errors,
                                  .idle_timeout = process.config.pop3d.idle_timeout};
  SystemClock clock;
  {
    pop3d::MailboxMaildrop maildrop{*mail, on_failure};
    try {
      pop3d::run_session(client, maildrop, facts, clock);
    } catch (const StreamError&) {  // the client has gone: what is left to do is ours
    }
  }
  client.close();
  process.client.reset();
  if (auto kept = mail->maintain(); !kept) on_failure(kept.error());
}

}  // namespace mailroom
