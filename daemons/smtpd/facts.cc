#include "daemons/smtpd/facts.h"

namespace mailroom {
namespace {

LoginOffer login_offer(const ListenerConfig& listener) {
  if (!takes_logins(listener.service)) return LoginOffer::never;
  return listener.plaintext_login == PlaintextLogin::allowed ? LoginOffer::always : LoginOffer::with_tls;
}

}  // namespace

SmtpFacts facts_of(const Config& config, const ListenerConfig& listener) {
  SmtpFacts facts;
  facts.hostname = config.hostname;
  facts.service = listener.service;
  facts.tls = config.certificates.empty() ? TlsMode::none : listener.tls;
  facts.login = login_offer(listener);
  facts.limits = config.smtpd;
  facts.quirks = listener.quirks;
  facts.old_tls_for_devices = listener.service == Service::relay && config.policyd.device_old_tls;
  facts.tls_timeout = config.tls_timeout;
  return facts;
}

}  // namespace mailroom
