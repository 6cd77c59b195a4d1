#include "daemons/imapd/capabilities.h"

#include <fmt/format.h>

namespace mailroom::imapd {

std::string capabilities_before_login(TlsState tls, bool login_allowed,
                                      const std::vector<std::string>& mechanisms) {
  std::string text = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE";
  if (tls == TlsState::available) text += " STARTTLS";
  if (!login_allowed) return text + " LOGINDISABLED";
  for (const std::string& mechanism : mechanisms) text += " AUTH=" + mechanism;
  return text;
}

std::string capabilities_after_login(std::uint64_t append_limit) {
  return fmt::format("IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE CHILDREN SPECIAL-USE CREATE-SPECIAL-USE "
                     "UIDPLUS UNSELECT MOVE "
                     "CONDSTORE APPENDLIMIT={}",
                     append_limit);
}

}  // namespace mailroom::imapd
