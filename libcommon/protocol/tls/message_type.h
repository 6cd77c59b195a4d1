// HandshakeType (RFC 8446 4): the first octet of a handshake message.  Those that are looked for here.
#pragma once

#include <cstdint>

namespace mailroom::tls {

enum class MessageType : std::uint8_t {
  client_hello = 1,
  server_hello = 2,
  encrypted_extensions = 8,
  certificate = 11,
  certificate_request = 13,
  certificate_verify = 15,
  finished = 20,
  key_update = 24,
};

}  // namespace mailroom::tls
