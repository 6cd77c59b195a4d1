// What an SMTP session knows before its client's first octet.
#pragma once

#include <functional>
#include <string>

#include "daemons/channels/types.h"
#include "daemons/config.h"

namespace mailroom {

// Of a finished handshake, for the Received line; IANA's and OpenSSL's names.
struct TlsDescription {
  std::string version;  // "TLSv1.3"
  std::string cipher;   // "TLS_AES_128_GCM_SHA256"
  std::string group;    // "x25519"; empty: not known
};

enum class LoginOffer : std::uint8_t {
  never,
  with_tls,  // AUTH is offered and taken under TLS only
  always,
};

struct SmtpFacts {
  std::string hostname;
  Service service = Service::mx;  // one of the SMTP classes
  TlsMode tls = TlsMode::none;    // what this connection has (implicit) or may have (starttls)
  LoginOffer login = LoginOffer::never;
  ConnectionId connection = 0;
  IpAddress peer;
  bool client_spoke_first = false;  // octets were there before the greeting, on a port without implicit TLS
  std::function<TlsDescription()> describe_tls;  // called once TLS is on; may be empty
  SmtpdConfig limits;
  QuirksConfig quirks;                          // of the listener
  bool old_tls_for_devices = false;             // those of a device decide on its TLS, too
  Duration tls_timeout = Config{}.tls_timeout;  // of a whole handshake
};

// What the configuration says of a connection to that listener; of the connection itself nothing is known
// yet.
SmtpFacts facts_of(const Config& config, const ListenerConfig& listener);

}  // namespace mailroom
