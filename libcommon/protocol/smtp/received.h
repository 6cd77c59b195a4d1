// The Received field that a receiving server puts on top (RFC 5321 section 4.4, RFC 8314 section 4.3).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace mailroom::smtp {

struct TraceFacts {
  std::string_view helo;            // what the client called itself, as parse_helo took it
  std::string_view client_literal;  // "192.0.2.1" or "IPv6:2001:db8::1"
  std::string_view by;              // this host's name
  std::string_view id;              // of the message in the queue
  bool esmtp = false;
  bool smtputf8 = false;
  bool authenticated = false;
  bool tls = false;
  std::string_view tls_version;  // "TLSv1.3"; empty: not said
  std::string_view tls_cipher;   // the IANA name, "TLS_AES_128_GCM_SHA256"
  std::string_view tls_group;    // "x25519"
  std::chrono::sys_seconds when;
};

// The "with" protocol (RFC 3848, RFC 6531 section 4.3): "ESMTPSA", "UTF8SMTPS", "SMTP"...
std::string_view with_protocol(const TraceFacts& facts);

// The whole field, folded, with CRLF at each line's end.  A value with characters that have no place in it is
// left out, or "unknown" where something must stand: nothing a client says can add a line or a field.
std::string received_field(const TraceFacts& facts);

// RFC 5322 section 3.3, in universal time: "Sun, 22 Nov 2026 01:02:03 +0000".
std::string date_time(std::chrono::sys_seconds when);

}  // namespace mailroom::smtp
