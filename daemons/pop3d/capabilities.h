// What pop3d can do, as CAPA says it (RFC 2449 section 5).
#pragma once

#include <string>
#include <vector>

#include "daemons/pop3d/preauth.h"

namespace mailroom::pop3d {

// The lines behind "+OK", with the final dot.  Without `login_allowed` neither USER nor SASL is offered (RFC
// 2595 section 4); without mechanisms not SASL.
std::string capabilities_before_login(TlsState tls, bool login_allowed,
                                      const std::vector<std::string>& mechanisms);
std::string capabilities_after_login();

}  // namespace mailroom::pop3d
