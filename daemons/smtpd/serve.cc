#include "daemons/smtpd/serve.h"

#include <poll.h>

#include "daemons/listener/authenticator_client.h"
#include "daemons/listener/mechanisms.h"
#include "daemons/listener/connection.h"
#include "daemons/smtpd/policy_client.h"
#include "daemons/smtpd/session.h"
#include "daemons/smtpd/spool_client.h"

namespace mailroom {
namespace {

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
          .mechanisms = sasl_mechanism_list(process.config),
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

}  // namespace

void serve_connection(BeforeLogin& process) {
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

}  // namespace mailroom
