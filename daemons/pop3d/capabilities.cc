#include "daemons/pop3d/capabilities.h"

#include <fmt/format.h>

namespace mailroom::pop3d {
namespace {

constexpr std::string_view kAlways = "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE "
                                     "NEVER\r\nIMPLEMENTATION mailroom\r\n";

}  // namespace

std::string capabilities_before_login(TlsState tls, bool login_allowed,
                                      const std::vector<std::string>& mechanisms) {
  std::string lines{kAlways};
  if (login_allowed) lines += "USER\r\n";
  if (login_allowed && !mechanisms.empty()) lines += fmt::format("SASL {}\r\n", fmt::join(mechanisms, " "));
  if (tls == TlsState::available) lines += "STLS\r\n";
  return lines += ".\r\n";
}

std::string capabilities_after_login() { return std::string{kAlways} + ".\r\n"; }

}  // namespace mailroom::pop3d
