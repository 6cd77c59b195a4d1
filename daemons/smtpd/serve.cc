#include "daemons/smtpd/serve.h"

#include <poll.h>

#include "daemons/listener/authenticator_client.h"
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
bool spoke_first(const BeforeLogin& process, const Connection& connection) {
  if (connection.has_tls()) return false;
  pollfd client{process.client.get(), POLLIN | POLLRDHUP, 0};
  return ::poll(&client, 1, 0) > 0 && (client.revents & (POLLRDHUP | POLLERR | POLLHUP)) == 0;
}

// With detect-tls a port with STARTTLS may have TLS from the start.
TlsMode tls_mode(const BeforeLogin& process, const Connection& connection) {
  if (connection.has_tls()) return TlsMode::implicit;
  return process.tls == nullptr ? TlsMode::none : process.listener.tls;
}

SmtpFacts facts_of(const BeforeLogin& process, Service service, const Connection& connection) {
  return {.hostname = process.config.hostname,
          .service = service,
          .tls = tls_mode(process, connection),
          .login = login_offer(process),
          .connection = process.connection,
          .peer = process.peer,
          .client_spoke_first = spoke_first(process, connection),
          .describe_tls = [&connection]() -> TlsDescription {
            const tls::HandshakeFacts* facts = connection.tls_facts();
            if (facts == nullptr) return {};
            return {facts->version, facts->suite, {}};
          },
          .limits = process.config.smtpd,
          .quirks = process.listener.quirks,
          .old_tls_for_devices = service == Service::relay&& process.config.policyd.device_old_tls,
          .tls_timeout = process.config.tls_timeout};
}

}  // namespace

void serve_connection(BeforeLogin& process) {
  Connection connection{process};
  Stream& client = connection.open();
  const SmtpFacts facts = facts_of(process, process.listener.service, connection);
  PolicyClient policy{std::move(process.to_policyd)};
  SpoolClient spool{std::move(process.to_queued)};
  AuthenticatorClient authenticator{std::move(process.to_authd), process.config, &connection};
  SystemClock clock;
  run_smtp(facts, {client, policy, spool, authenticator, connection, clock});
  connection.close();
}

}  // namespace mailroom
