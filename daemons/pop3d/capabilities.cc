#include "daemons/pop3d/capabilities.h"

namespace mailroom::pop3d {
namespace {

constexpr std::string_view kAlways = "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE "
                                     "NEVER\r\nIMPLEMENTATION mailroom\r\n";

}  // namespace

std::string capabilities_before_login(TlsState tls, bool login_allowed, std::string_view mechanisms) {
  std::string lines{kAlways};
  if (login_allowed) lines += "USER\r\n";
  if (login_allowed && !mechanisms.empty()) lines.append("SASL ").append(mechanisms).append("\r\n");
  if (tls == TlsState::available) lines += "STLS\r\n";
  return lines += ".\r\n";
}

std::string capabilities_after_login() { return std::string{kAlways} + ".\r\n"; }

}  // namespace mailroom::pop3d
