// What the instance is: its names, where it listens, with which certificates.
#include <fmt/format.h>

#include <algorithm>

#include "daemons/config/names.h"
#include "daemons/config/route_values.h"
#include "daemons/config/tables.h"
#include "libcommon/text/ascii.h"

namespace mailroom::config {

namespace {

using namespace std::chrono_literals;

std::unexpected<std::string> wrong(std::string reason) { return std::unexpected(std::move(reason)); }

// ---- domain NAME... ----

Result set_domains(Config& config, Values values) {
  for (const auto& value : values) {
    auto name = parse_host_name(value);
    if (!name) return wrong(name.error());
    if (std::ranges::count(config.domains, *name) > 0) return wrong(fmt::format("{} is given twice", *name));
    config.domains.push_back(std::move(*name));
  }
  return {};
}

std::vector<std::string> show_domains(const Config& config) { return config.domains; }

// ---- listen SERVICE [CLASS] ADDRESS:PORT TLS [plaintext-login] [client-certificate] ----

constexpr std::string_view kListenSyntax =
    "(smtp mx | smtp submission | smtp outgoing | smtp relay | pop3 | imap | kpop) ADDRESS:PORT "
    "(none | starttls | implicit) [plaintext-login] [client-certificate] [QUIRK ...]";

// The words of one directive, taken from the front.
class Words {
 public:
  explicit Words(Values values) : values_{values} {}
  bool empty() const { return values_.empty(); }
  std::string_view take() {
    if (values_.empty()) return {};
    const std::string_view word = values_.front();
    values_ = values_.subspan(1);
    return word;
  }

 private:
  Values values_;
};

Parsed<Service> take_service(Words& words) {
  const auto word = words.take();
  if (word == "pop3") return Service::pop3;
  if (word == "imap") return Service::imap;
  if (word == "kpop") return Service::kpop;
  if (word != "smtp") return wrong(fmt::format("\"{}\" is none of smtp, pop3, imap and kpop", word));
  const auto listener_class = words.take();
  if (listener_class == "mx") return Service::mx;
  if (listener_class == "submission") return Service::submission;
  if (listener_class == "outgoing") return Service::outgoing;
  if (listener_class == "relay") return Service::relay;
  return wrong(
      fmt::format("\"{}\" after smtp is none of mx, submission, outgoing and relay", listener_class));
}

Parsed<TlsMode> parse_tls_mode(std::string_view word) {
  if (word == "none") return TlsMode::none;
  if (word == "starttls") return TlsMode::starttls;
  if (word == "implicit") return TlsMode::implicit;
  return wrong(fmt::format("\"{}\" is none of none, starttls and implicit", word));
}

bool is_loopback(const IpAddress& address) {
  return address.is_v4() ? address.bytes[12] == 127 : address.text() == "::1";
}

Result take_listener_word(std::string_view word, ListenerConfig& listener) {
  if (word == "plaintext-login") {
    // Passwords travel over TLS only; the exception is for tests on the machine itself.
    if (!is_loopback(listener.address)) return wrong("plaintext-login is only for loopback addresses");
    listener.plaintext_login = PlaintextLogin::allowed;
    return {};
  }
  if (word == "client-certificate") {
    if (!takes_logins(listener.service) || listener.service == Service::kpop || listener.tls == TlsMode::none)
      return wrong("client-certificate is for ports with TLS where clients log in by SASL");
    listener.client_certificate = true;
    return {};
  }
  const bool detected_before = listener.quirks.detect_tls;
  if (!policy::take_quirk(word, listener.quirks)) return wrong(fmt::format("\"{}\" is out of place", word));
  if (policy::quirk_scope(word) == policy::QuirkScope::smtp && !is_smtp(listener.service))
    return wrong(fmt::format("{} is only for smtp", word));
  if (listener.quirks.detect_tls != detected_before && listener.tls != TlsMode::starttls)
    return wrong("detect-tls is only for ports with starttls");
  return {};
}

std::string show_quirks(const QuirksConfig& quirks) {
  std::string words;
  for (const std::string& word : policy::quirk_words(quirks)) words += " " + word;
  return words;
}

Result set_listener(Config& config, Values values) {
  Words words{values};
  ListenerConfig listener;
  const auto service = take_service(words);
  if (!service) return wrong(service.error());
  listener.service = *service;

  const auto where = words.take();
  const auto address = parse_ip_and_port(where);
  if (!address || address->port == 0) return wrong(fmt::format("\"{}\" is not ADDRESS:PORT", where));
  listener.address = *address;

  const auto tls = parse_tls_mode(words.take());
  if (!tls) return wrong(tls.error());
  listener.tls = *tls;
  while (!words.empty())
    if (const auto done = take_listener_word(words.take(), listener); !done) return done;

  for (const auto& other : config.listeners)
    if (other.address == listener.address) return wrong(fmt::format("another listener has {}", where));
  config.listeners.push_back(listener);
  return {};
}

std::string show_address(const IpAddress& address) {
  return fmt::format(fmt::runtime(address.is_v4() ? "{}:{}" : "[{}]:{}"), address.text(), address.port);
}

std::vector<std::string> show_listeners(const Config& config) {
  static constexpr std::string_view kServices[] = {"smtp mx",       "smtp submission", "pop3", "imap",
                                                   "smtp outgoing", "smtp relay",      "kpop"};
  static constexpr std::string_view kTlsModes[] = {"none", "starttls", "implicit"};
  std::vector<std::string> lines;
  for (const auto& listener : config.listeners)
    lines.push_back(fmt::format("{} {} {}{}{}{}", kServices[static_cast<int>(listener.service)],
                                show_address(listener.address), kTlsModes[static_cast<int>(listener.tls)],
                                listener.plaintext_login == PlaintextLogin::allowed ? " plaintext-login" : "",
                                listener.client_certificate ? " client-certificate" : "",
                                show_quirks(listener.quirks)));
  return lines;
}

// ---- certificate NAME[,NAME...] CHAINFILE KEYFILE ----

Result set_certificate(Config& config, Values values) {
  if (values.size() != 3) return wrong("takes NAME[,NAME...] CHAINFILE KEYFILE");
  CertificateConfig certificate;
  for (std::string_view names = values[0]; !names.empty();) {
    const std::size_t comma = std::min(names.find(','), names.size());
    auto name = parse_certificate_name(names.substr(0, comma));
    if (!name) return wrong(name.error());
    certificate.names.push_back(std::move(*name));
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  if (certificate.names.empty()) return wrong("no name is given");
  auto chain = parse_path(values[1]);
  if (!chain) return wrong(chain.error());
  auto key = parse_path(values[2]);
  if (!key) return wrong(key.error());
  certificate.chain_file = std::move(*chain);
  certificate.key_file = std::move(*key);
  config.certificates.push_back(std::move(certificate));
  return {};
}

std::vector<std::string> show_certificates(const Config& config) {
  std::vector<std::string> lines;
  for (const auto& certificate : config.certificates)
    lines.push_back(fmt::format("{} {} {}", fmt::join(certificate.names, ","), quote(certificate.chain_file),
                                quote(certificate.key_file)));
  return lines;
}

// ---- log-level ----

constexpr std::string_view kLogLevels[] = {"error", "warning", "info", "debug"};

Result set_log_level(Config& config, Values values) {
  for (std::size_t i = 0; i < std::size(kLogLevels); ++i)
    if (values.size() == 1 && values[0] == kLogLevels[i]) {
      config.log.level = static_cast<LogLevel>(i);
      return {};
    }
  return wrong("takes one of error, warning, info and debug");
}

std::vector<std::string> show_log_level(const Config& config) {
  return {std::string{kLogLevels[static_cast<int>(config.log.level)]}};
}

constexpr Key<Config> kKeys[] = {
    {"hostname", Text<Config>{&Config::hostname, "NAME", parse_host_name}, Reload::new_connections,
     "The name of this system in greetings and in the Received lines it writes. Must be given."},
    {"domain", Custom<Config>{"NAME ...", Occurs::repeatedly, set_domains, show_domains}, Reload::at_once,
     "Domains whose mail is kept here: user@NAME is the account or alias called user. At least one must be "
     "given."},
    {"listen", Custom<Config>{kListenSyntax, Occurs::repeatedly, set_listener, show_listeners},
     Reload::new_connections,
     "Accepts connections of a service at an address, which is numeric, an IPv6 address in square brackets. "
     "smtp mx takes mail for local recipients from anyone; smtp submission takes mail of accounts after "
     "login; smtp outgoing takes mail from campus networks, from addresses where somebody has just read mail "
     "(POP-before-SMTP) and after login; smtp relay takes mail of devices. mailroom-policy(7) has the rules. "
     "With starttls a client may turn on TLS, and must before it can log in; with implicit TLS begins with "
     "the first octet. plaintext-login offers logins without TLS and is only for loopback addresses. "
     "client-certificate asks clients for a certificate, which they need not have, for logins by SASL "
     "EXTERNAL; it needs client-certificate.authorities. "
     "A QUIRK is what this listener alone forgives old clients: tls-min=1.0, 1.1, 1.2 (the default) or 1.3 "
     "is "
     "the oldest version of TLS; old-ciphers adds CBC cipher suites and finite-field Diffie-Hellman, without "
     "which no client with TLS 1.1 or older connects; bare-lf takes a lone LF in a message for a line end, "
     "while its end stays CRLF . CRLF; any-helo takes HELO and EHLO with no name or a wrong one; add-fields "
     "has "
     "mx add Date and Message-ID where they are missing, which the other classes always do; detect-tls takes "
     "clients that begin with TLS at once on a "
     "port with starttls, for which the greeting waits half a second. "
     "At least one must be given."},
    {"certificate",
     Custom<Config>{"NAME[,NAME...] CHAINFILE KEYFILE", Occurs::repeatedly, set_certificate,
                    show_certificates},
     Reload::new_connections,
     "A certificate chain (PEM, the server's own first) and its private key (PEM, readable by root only). It "
     "is used "
     "for clients that ask for one of the names (SNI); the first certificate is used for all others. The "
     "leftmost "
     "label of a name may be *."},
    {"route", Custom<Config>{kRouteSyntax, Occurs::repeatedly, set_route, show_routes}, Reload::at_once,
     "Where mail for a domain that is not local goes, instead of the hosts that the DNS names. DOMAIN is a "
     "domain, "
     ".DOMAIN for all its subdomains, or * for all that has no route of its own; the most exact one counts. "
     "HOST is a name or an address; without PORT it is 25 for smtp, 465 for smtps and 24 for lmtp. unix:NAME "
     "is a "
     "socket in the relay directory below run-dir. tls says what the far side must prove: never (plaintext), "
     "may "
     "(TLS if it is offered), encrypt (TLS with any certificate) or certificate (one that fits HOST); "
     "without it, "
     "may for smtp and lmtp, certificate for smtps and wherever auth is given. auth logs in with the "
     "credentials "
     "that mr-credential keeps for DOMAIN, and needs encrypt or certificate."},
    {"tls-timeout", Time<Config>{&Config::tls_timeout, 1s, 10min}, Reload::new_connections,
     "How long a TLS handshake may take."},
    {"log-level",
     Custom<Config>{"error | warning | info | debug", Occurs::once, set_log_level, show_log_level},
     Reload::restart, "Events of this level and the more serious ones are logged."},
};

}  // namespace

std::span<const Key<Config>> instance_keys() { return kKeys; }

}  // namespace mailroom::config
