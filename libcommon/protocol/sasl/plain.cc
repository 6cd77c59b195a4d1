#include "libcommon/protocol/sasl/plain.h"

namespace mailroom::sasl {

std::expected<Credentials, Fault> parse_plain(std::string_view message) {
  const std::size_t first = message.find('\0');
  if (first == std::string_view::npos) return std::unexpected(Fault::malformed);
  const std::size_t second = message.find('\0', first + 1);
  if (second == std::string_view::npos) return std::unexpected(Fault::malformed);

  const std::string_view authzid = message.substr(0, first);
  const std::string_view authcid = message.substr(first + 1, second - first - 1);
  const std::string_view password = message.substr(second + 1);
  const bool possible = (authzid.empty() || is_possible_name(authzid)) && is_possible_name(authcid) &&
                        is_possible_password(password);
  if (!possible) return std::unexpected(Fault::never_valid);

  Credentials credentials;
  credentials.authzid = authzid;
  credentials.authcid = authcid;
  credentials.password = password;
  return credentials;
}

}  // namespace mailroom::sasl
