// The command lines of POP3: RFC 1939, RFC 2449 (CAPA), RFC 2595 (STLS), RFC 5034 (AUTH).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::pop3 {

enum class Verb : std::uint8_t {
  auth,
  capa,
  dele,
  list,
  noop,
  pass,
  quit,
  retr,
  rset,
  stat,
  stls,
  top,
  uidl,
  user,
  unknown,
};

struct CommandLine {
  Verb verb = Verb::unknown;
  std::string_view argument;  // all that follows the first space: a password may begin and end with spaces
};

enum class LineFault : std::uint8_t {
  framing,  // a CR or LF that is not the final CRLF, or a NUL: two readers could see two different commands
};

// `line` with its line end.  The views point into it.
[[nodiscard]] std::expected<CommandLine, LineFault> split_command_line(std::string_view line);

// The arguments; nothing for what is not one.  Message numbers begin at 1.
std::optional<std::uint32_t> parse_message_number(std::string_view argument);

struct TopArguments {
  std::uint32_t message;
  std::uint64_t lines;
};
std::optional<TopArguments> parse_top(std::string_view argument);

struct AuthArguments {
  std::string mechanism;                             // in upper case
  std::optional<std::string_view> initial_response;  // as it came: base64, or "="
};
std::optional<AuthArguments> parse_auth(std::string_view argument);

}  // namespace mailroom::pop3
