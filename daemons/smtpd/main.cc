// smtpd: takes mail by SMTP, from strangers (class mx) and from people who log in (class submission).
//
// SECURITY
//   Each connection is a process of its own, under a uid of its own, in an empty root directory, without
//   network, files or rights; it holds its client's socket and a channel each to policyd, queued, keyd and
//   authd.  What it may submit is decided by policyd and told to queued without passing through it.  Its
//   parent, the listener, keeps the right to change uids and reads nothing that a client sends.
#include <poll.h>

#include "daemons/listener/authenticator_client.h"
#include "daemons/listener/connection.h"
#include "daemons/smtpd/policy_client.h"
#include "daemons/smtpd/session.h"
#include "daemons/smtpd/spool_client.h"

namespace {

using namespace mailroom;

LoginOffer login_offer(const BeforeLogin& process) {
  if (!process.to_authd) return LoginOffer::never;
  return process.listener.plaintext_login == PlaintextLogin::allowed ? LoginOffer::always
                                                                     : LoginOffer::with_tls;
}

// Octets before the greeting: no mail client does that (SECURITY.md V3).  On a port with implicit TLS they
// are its hello.
bool spoke_first(const BeforeLogin& process) {
  if (process.listener.tls == TlsMode::implicit) return false;
  pollfd client{process.client.get(), POLLIN | POLLRDHUP, 0};
  return ::poll(&client, 1, 0) > 0 && (client.revents & (POLLRDHUP | POLLERR | POLLHUP)) == 0;
}

SmtpFacts facts_of(const BeforeLogin& process, Service service, const Connection& connection) {
  return {.hostname = process.config.hostname,
          .service = service,
          .tls = process.tls == nullptr ? TlsMode::none : process.listener.tls,
          .login = login_offer(process),
          .connection = process.connection,
          .peer = process.peer,
          .client_spoke_first = spoke_first(process),
          .describe_tls = [&connection]() -> TlsDescription {
            const tls::HandshakeFacts* facts = connection.tls_facts();
            if (facts == nullptr) return {};
            return {facts->version, facts->suite, {}};
          },
          .limits = process.config.smtpd,
          .tls_timeout = process.config.tls_timeout};
}

void serve(BeforeLogin& process) {
  Connection connection{process};
  Stream& client = connection.open();
  const SmtpFacts facts = facts_of(process, process.listener.service, connection);
  PolicyClient policy{std::move(process.to_policyd)};
  SpoolClient spool{std::move(process.to_queued)};
  AuthenticatorClient authenticator{std::move(process.to_authd)};
  SystemClock clock;
  run_smtp(facts, {client, policy, spool, authenticator, connection, clock});
  connection.close();
}

}  // namespace

int main() {
  const Protocol protocol{.alpn = "smtp",
                          .too_many = "421 4.7.0 Too many connections; try again in a minute\r\n",
                          .before_login = serve,
                          .after_login = {}};
  return run_listener(Role::smtpd_mx, protocol);
}
