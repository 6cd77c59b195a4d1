// What a TLS server signs, recognised by its form.
#pragma once

#include <cstdint>
#include <string_view>

#include "libcommon/tls/key.h"

namespace mailroom::keyd {

// Whether a listener takes versions before TLS 1.2 or suites with finite-field Diffie-Hellman (listen).
enum class OldTls : std::uint8_t { refused, allowed };

// Whether these octets are what a server that speaks TLS 1.2 and 1.3 signs with this scheme, either of
//   - CertificateVerify of TLS 1.3 (libcommon/protocol/tls/certificate_verify.h); not with RSA PKCS #1 v1.5;
//   - ServerKeyExchange of TLS 1.2 (RFC 8422 5.4): both randoms, the server's ending in the mark that says
//     that it knows TLS 1.3 (RFC 8446 4.1.3), and an ECDHE point on a named group that we use.
// With OldTls::allowed also, with RSA alone,
//   - ServerKeyExchange with Diffie-Hellman parameters of 2048 to 4096 bits (RFC 5246 7.4.3);
//   - the same, and with a point, of TLS 1.0 and 1.1, under MD5 and SHA-1, with the mark of these versions.
// A signature of such octets is of no use for a certificate, a message, DKIM, or another protocol.  Pure.
bool is_tls_shaped(tls::SignatureScheme scheme, std::string_view to_be_signed, OldTls old = OldTls::refused);

}  // namespace mailroom::keyd
