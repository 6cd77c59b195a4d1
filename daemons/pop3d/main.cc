// pop3d: gives people their mail by POP3.
//
// SECURITY
//   Before login each connection is a process of its own under a uid of its own, in an empty root directory,
//   with its client's socket and a channel to authd.  After login it is another process, which never was the
//   first: the account's own uid, in the account's directory, started by the listener on policyd's word.
//   Neither can reach another account's mail, a key or a password.
#include "daemons/listener/authenticator_client.h"
#include "daemons/listener/connection.h"
#include "daemons/listener/session_mailbox.h"
#include "daemons/log.h"
#include "daemons/pop3d/mailbox_maildrop.h"
#include "daemons/pop3d/preauth.h"
#include "daemons/pop3d/session.h"

namespace {

using namespace mailroom;

pop3d::TlsState tls_state(const Connection& connection) {
  if (connection.has_tls()) return pop3d::TlsState::active;
  return connection.can_start_tls() ? pop3d::TlsState::available : pop3d::TlsState::none;
}

void before_login(BeforeLogin& process) {
  Connection connection{process};
  Stream& client = connection.open();
  const pop3d::PreauthFacts facts{.hostname = process.config.hostname,
                                  .connection = process.connection,
                                  .tls = tls_state(connection),
                                  .plaintext_login =
                                      process.listener.plaintext_login == PlaintextLogin::allowed,
                                  .max_errors = process.config.pop3d.max_errors,
                                  .login_timeout = process.config.pop3d.login_timeout};
  AuthenticatorClient authenticator{std::move(process.to_authd)};
  SystemClock clock;
  if (auto proved = pop3d::run_preauth(client, facts, authenticator, connection, clock)) {
    const std::string context = proved->context;
    if (!connection.hand_over(context, std::move(proved->pre_read)))
      pop3d::refuse_session(connection.stream(), context);
  }
  connection.close();
}

void after_login(AfterLogin& process) {
  SocketStream client{process.client.get(), process.to_listener.get()};
  const auto log_failure = [&process](const mailbox::Failure& failure) {
    log::write(
        "mailbox-failed",
        {{"session", log::Id{process.connection}}, {"account", process.name}, {"reason", failure.text}});
  };
  auto mail = mailbox::Mailbox::open(mailbox_options(process.config));
  if (!mail) {
    log_failure(mail.error());
    return pop3d::refuse_session(client, process.start.context);
  }
  const pop3d::SessionFacts facts{.pre_read = std::move(process.start.pre_read),
                                  .connection = process.connection,
                                  .account = process.name,
                                  .max_errors = process.config.pop3d.max_errors,
                                  .idle_timeout = process.config.pop3d.idle_timeout};
  SystemClock clock;
  {
    pop3d::MailboxMaildrop maildrop{*mail, log_failure};
    try {
      pop3d::run_session(client, maildrop, facts, clock);
    } catch (const StreamError&) {  // the client has gone: what is left to do is ours
    }
  }
  process.client.reset();
  if (auto kept = mail->maintain(); !kept) log_failure(kept.error());
}

}  // namespace

int main() {
  const Protocol protocol{.alpn = "pop3",
                          .too_many = "-ERR [SYS/TEMP] Too many connections; try again in a minute\r\n",
                          .before_login = before_login,
                          .after_login = after_login};
  return run_listener(Role::pop3d, protocol);
}
