#include "daemons/config/route_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "daemons/config/names.h"
#include "libcommon/text/ascii.h"

namespace mailroom::config {

namespace {

using routing::Protocol;
using routing::TlsLevel;

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kTls = "tls=";
// Of a Unix socket: what is left of sun_path beside the relay directory, with room to spare.
constexpr std::size_t kMaxSocketName = 60;

struct ProtocolWord {
  std::string_view word;
  std::uint16_t
      port;  // when none is given: RFC 5321 4.5.4.2, RFC 8314 3.3, IANA (24 is for private mail systems)
};
constexpr std::array<ProtocolWord, 3> kProtocols{{{"smtp", 25}, {"smtps", 465}, {"lmtp", 24}}};

// Those that an operator may ask for; DANE is the DNS's to say.
struct LevelWord {
  std::string_view word;
  TlsLevel level;
};
constexpr LevelWord kLevels[] = {{"never", TlsLevel::never},
                                 {"may", TlsLevel::may},
                                 {"encrypt", TlsLevel::encrypt},
                                 {"certificate", TlsLevel::certificate}};

std::unexpected<std::string> wrong(std::string reason) { return std::unexpected(std::move(reason)); }

Parsed<std::string> parse_route_domain(std::string_view text) {
  if (text == "*") return std::string{text};
  const auto name = parse_host_name(text.starts_with('.') ? text.substr(1) : text);
  if (!name) return name;
  return (text.starts_with('.') ? "." : "") + *name;
}

Parsed<Protocol> parse_protocol(std::string_view text) {
  const auto* found = std::ranges::find(kProtocols, text, &ProtocolWord::word);
  if (found == kProtocols.end()) return wrong(fmt::format("\"{}\" is none of smtp, smtps and lmtp", text));
  return static_cast<Protocol>(found - kProtocols.begin());
}

Parsed<std::string> parse_socket_name(std::string_view text) {
  const bool good =
      !text.empty() && text.size() <= kMaxSocketName && text.front() != '.' &&
      std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
  if (!good) return wrong(fmt::format("\"{}\" is not the name of a socket", text));
  return std::string{text};
}

// "mx.example.edu", "mx.example.edu:26", "192.0.2.1", "[2001:db8::1]:26", "[2001:db8::1]"
Parsed<HostAndPort> parse_target(std::string_view text, std::uint16_t default_port) {
  if (auto with_port = parse_host_and_port(text)) return with_port;
  const bool has_port = text.find(':') != text.npos && !text.ends_with(']');
  auto completed = parse_host_and_port(fmt::format("{}:{}", text, default_port));
  if (completed && !has_port) return completed;
  return wrong(fmt::format("\"{}\" is not HOST or HOST:PORT", text));
}

Result set_target(RouteConfig& route, std::string_view text) {
  if (text.starts_with(kUnix)) {
    if (route.protocol != Protocol::lmtp) return wrong("a Unix socket is for lmtp only");
    auto name = parse_socket_name(text.substr(kUnix.size()));
    if (!name) return wrong(name.error());
    route.host = std::move(*name);
    return {};
  }
  auto target = parse_target(text, kProtocols[static_cast<unsigned>(route.protocol)].port);
  if (!target) return wrong(target.error());
  route.host = std::move(target->host);
  route.port = target->port;
  return {};
}

TlsLevel default_level(const RouteConfig& route) {
  if (route.is_unix_socket()) return TlsLevel::never;
  const bool verified = route.protocol == Protocol::smtps || route.authenticate;
  return verified ? TlsLevel::certificate : TlsLevel::may;
}

Parsed<TlsLevel> parse_level(std::string_view text) {
  const auto* found = std::ranges::find(kLevels, text, &LevelWord::word);
  if (found == std::end(kLevels))
    return wrong(fmt::format("\"{}\" is none of never, may, encrypt and certificate", text));
  return found->level;
}

Result set_options(RouteConfig& route, Values options) {
  std::optional<TlsLevel> level;
  for (const std::string& option : options) {
    if (option == "auth") {
      route.authenticate = true;
    } else if (option.starts_with(kTls)) {
      const auto parsed = parse_level(std::string_view{option}.substr(kTls.size()));
      if (!parsed) return wrong(parsed.error());
      level = *parsed;
    } else {
      return wrong(fmt::format("\"{}\" is neither tls=LEVEL nor auth", option));
    }
  }
  route.tls = level.value_or(default_level(route));
  return {};
}

Result check(const RouteConfig& route) {
  if (route.is_unix_socket() && route.tls != TlsLevel::never) return wrong("a Unix socket has no TLS");
  if (route.protocol == Protocol::smtps && route.tls < TlsLevel::encrypt)
    return wrong("smtps needs tls=encrypt or tls=certificate");
  if (route.authenticate && route.tls < TlsLevel::encrypt)
    return wrong("auth needs tls=encrypt or tls=certificate");
  return {};
}

std::string target_text(const RouteConfig& route) {
  if (route.is_unix_socket()) return fmt::format("{}{}", kUnix, route.host);
  const bool is_v6 = route.host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", route.host, route.port)
               : fmt::format("{}:{}", route.host, route.port);
}

std::string_view level_word(TlsLevel level) {
  return std::ranges::find(kLevels, level, &LevelWord::level)->word;
}

}  // namespace

Result set_route(Config& config, Values values) {
  if (values.size() < 3) return wrong(fmt::format("takes {}", kRouteSyntax));
  RouteConfig route;
  auto domain = parse_route_domain(values[0]);
  if (!domain) return wrong(domain.error());
  route.domain = std::move(*domain);
  const auto protocol = parse_protocol(values[1]);
  if (!protocol) return wrong(protocol.error());
  route.protocol = *protocol;
  if (auto set = set_target(route, values[2]); !set) return set;
  if (auto set = set_options(route, values.subspan(3)); !set) return set;
  if (auto good = check(route); !good) return good;
  if (std::ranges::count(config.routes, route.domain, &RouteConfig::domain) > 0)
    return wrong(fmt::format("{} has a route already", route.domain));
  config.routes.push_back(std::move(route));
  return {};
}

std::vector<std::string> show_routes(const Config& config) {
  std::vector<std::string> lines;
  for (const RouteConfig& route : config.routes)
    lines.push_back(fmt::format("{} {} {}{}{}", route.domain,
                                kProtocols[static_cast<unsigned>(route.protocol)].word, target_text(route),
                                route.is_unix_socket() ? "" : fmt::format(" tls={}", level_word(route.tls)),
                                route.authenticate ? " auth" : ""));
  return lines;
}

}  // namespace mailroom::config
