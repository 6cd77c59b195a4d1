// What a client offered in its ClientHello, kept to say in words why a handshake failed.  Internal to
// libcommon/tls.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/tls/handles.h"

namespace mailroom::tls {

// Cipher suites kept of one ClientHello; a client may list 32,767.
inline constexpr std::size_t kMaxOfferedSuites = 64;

struct ClientOffer {
  bool seen = false;
  std::uint16_t highest_version = 0;  // as on the wire: 0x0303 is TLS 1.2
  std::vector<std::uint16_t> suites;
  std::string server_name;  // SNI, as the client wrote it
};

// To be called in OpenSSL's ClientHello callback alone.
ClientOffer read_offer(SSL* ssl);

// One line for the log: what was missing between the client's offer and ours.  Empties OpenSSL's error queue.
std::string explain_failure(SSL* ssl, const ClientOffer& offer);

}  // namespace mailroom::tls
