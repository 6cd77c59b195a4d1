// A password becomes a ticket for one of our own services (RFC 4120 3.1), which whoever has the keytab can
// verify: so that a KDC that is not the real one proves nothing.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace mailroom::kerberos {

enum class KdcFault : std::uint8_t {
  wrong_password,  // or no such principal
  expired,         // the password or the principal: it must be changed first
  locked,
  skew,  // our clock or the KDC's is wrong
  unreachable,
  refused,  // everything else
  kLast = refused
};

struct KdcRefusal {
  KdcFault fault = KdcFault::refused;
  std::string detail;  // libkrb5's words
};

// Gives an AP-REQ for `service` ("imap/mail.example.edu@EXAMPLE.EDU").  Blocks on the network until the KDC
// answers or libkrb5 gives up.  `password` has a NUL behind it.  Throws std::runtime_error when libkrb5
// cannot be set up.
[[nodiscard]] std::expected<std::string, KdcRefusal>
request_ticket(const std::string& principal, const char* password, const std::string& service);

}  // namespace mailroom::kerberos
