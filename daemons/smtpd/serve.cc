#include "daemons/smtpd/serve.h"

#include <poll.h>

#include "daemons/listener/authenticator_client.h"
#include "daemons/listener/connection.h"
#include "daemons/smtpd/policy_client.h"
#include "daemons/smtpd/session.h"
#include "daemons/smtpd/spool_client.h"

namespace mailroom {
namespace {

// Octets before the greeting: no mail client does that (SECURITY.md V3).  On a port with implicit TLS they
// are its hello.
bool spoke_first(const BeforeLogin& process, const Connection& connection) {
  if (connection.has_tls()) return false;
  pollfd client{process.client.get(), POLLIN | POLLRDHUP, 0};
  return ::poll(&client, 1, 0) > 0 && (client.revents & (POLLRDHUP | POLLERR | POLLHUP)) == 0;
}

TlsDescription description_of(const Connection& connection) {
  const tls::HandshakeFacts* facts = connection.tls_facts();
  return facts != nullptr ? TlsDescription{facts->version, facts->suite, {}} : TlsDescription{};
}

SmtpFacts facts_of(const BeforeLogin& process, const Connection& connection) {
  SmtpFacts facts = facts_of(process.config, process.listener);
  if (connection.has_tls())
    facts.tls = TlsMode::implicit;  // detect-tls: from the start at a port with STARTTLS
  facts.connection = process.connection;
  facts.peer = process.peer;
  facts.client_spoke_first = spoke_first(process, connection);
  facts.describe_tls = [&connection] { return description_of(connection); };
  return facts;
}

}  // namespace

void serve_connection(BeforeLogin& process) {
  Connection connection{process};
  Stream& client = connection.open();
  const SmtpFacts facts = facts_of(process, connection);
  PolicyClient policy{std::move(process.to_policyd)};
  SpoolClient spool{std::move(process.to_queued)};
  AuthenticatorClient authenticator{std::move(process.to_authd), process.config, &connection};
  SystemClock clock;
  run_smtp(facts, {client, policy, spool, authenticator, connection, clock});
  connection.close();
}

}  // namespace mailroom
