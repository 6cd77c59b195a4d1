// What imapd can do, as CAPABILITY says it (RFC 3501 section 7.2.1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mailroom::imapd {

enum class TlsState {
  none,       // not offered on this connection
  available,  // STARTTLS may be used
  active,
};

// Before login: what helps to log in, and what a client wants to know early.  No mechanism is offered when
// logging in is not allowed without TLS (LOGINDISABLED).
std::string capabilities_before_login(TlsState tls, bool login_allowed,
                                      const std::vector<std::string>& mechanisms);

// After login.  `append_limit`: RFC 7889.
std::string capabilities_after_login(std::uint64_t append_limit);

}  // namespace mailroom::imapd
