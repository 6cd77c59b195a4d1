#include "daemons/config/names.h"

#include <fmt/format.h>

#include "libcommon/sys/ip_address.h"
#include "libcommon/text/ascii.h"
#include "libcommon/text/host_name.h"

namespace mailroom::config {

namespace {

bool has_dot_component(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const auto component = path.substr(0, slash);
    if (component == "." || component == "..") return true;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return false;
}

}  // namespace

Parsed<std::string> parse_host_name(std::string_view text) {
  if (is_host_name(text)) return lower_case(text);
  return std::unexpected(fmt::format("\"{}\" is not a host name", text));
}

Parsed<std::string> parse_certificate_name(std::string_view text) {
  if (is_host_name(text.starts_with("*.") ? text.substr(2) : text)) return lower_case(text);
  return std::unexpected(fmt::format("\"{}\" is not a host name", text));
}

Parsed<std::string> parse_path(std::string_view text) {
  if (!text.starts_with('/')) return std::unexpected(fmt::format("\"{}\" is not an absolute path", text));
  if (has_dot_component(text)) return std::unexpected(fmt::format("\"{}\" contains . or ..", text));
  if (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  return std::string{text};
}

Parsed<HostAndPort> parse_host_and_port(std::string_view text) {
  if (const auto address = parse_ip_and_port(text)) return HostAndPort{address->text(), address->port};
  const std::size_t colon = text.rfind(':');
  if (colon != text.npos) {
    const auto host = parse_host_name(text.substr(0, colon));
    const auto port = parse_decimal<std::uint16_t>(text.substr(colon + 1));
    if (host && port && *port > 0) return HostAndPort{*host, *port};
  }
  return std::unexpected(fmt::format("\"{}\" is not HOST:PORT", text));
}

}  // namespace mailroom::config
