#include "daemons/imapd/serve.h"

#include "daemons/imapd/preauth.h"
#include "daemons/imapd/session.h"
#include "daemons/listener/authenticator_client.h"
#include "daemons/listener/connection.h"
#include "daemons/listener/session_mailbox.h"
#include "daemons/listener/session_stream.h"

namespace mailroom {

void serve_connection(BeforeLogin& process) {
  Connection connection{process};
  Stream& client = connection.open();
  const imapd::PreauthFacts facts{.hostname = process.config.hostname,
                                  .tls = connection.has_tls()         ? imapd::TlsState::active
                                         : connection.can_start_tls() ? imapd::TlsState::available
                                                                      : imapd::TlsState::none,
                                  .plaintext_login =
                                      process.listener.plaintext_login == PlaintextLogin::allowed,
                                  .max_errors = process.config.imapd.max_errors,
                                  .login_timeout = process.config.imapd.login_timeout};
  AuthenticatorClient authenticator{std::move(process.to_authd), process.config, &connection};
  if (auto proved = imapd::run_preauth(client, facts, authenticator, connection)) {
    const std::string context = proved->context;
    if (!connection.hand_over(context, std::move(proved->pre_read)))
      imapd::refuse_session(connection.stream(), context);
  }
  connection.close();
}

void serve_session(AfterLogin& process) {
  SessionStream client{process};
  mailbox::Options options = mailbox_options(process);
  imapd::set_summary(options);
  auto mail = mailbox::Mailbox::open(std::move(options));
  if (!mail) {
    log_failure(process, mail.error());
    return imapd::refuse_session(client, process.start.context);
  }
  log_rebuilt_index(process, *mail);
  const auto on_failure = failure_handler(process, *mail);
  imapd::PollWait wait{client, process.client.get(), process.to_listener.get(), mail->watch()};
  const imapd::SessionFacts facts{.context = std::move(process.start.context),
                                  .pre_read = std::move(process.start.pre_read),
                                  .append_limit = process.config.imapd.append_limit,
                                  .max_command_size = process.config.imapd.max_command_size,
                                  .max_errors = process.config.imapd.max_errors,
                                  .idle_timeout = process.config.imapd.idle_timeout,
                                  .on_failure = on_failure};
  try {
    imapd::run_session(client, *mail, wait, facts);
  } catch (const StreamError&) {  // the client has gone: what is left to do is ours
  }
  client.close();
  process.client.reset();
  if (auto kept = mail->maintain(); !kept) on_failure(kept.error());
}

}  // namespace mailroom
