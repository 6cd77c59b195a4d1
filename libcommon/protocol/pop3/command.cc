#include "libcommon/protocol/pop3/command.h"

#include <algorithm>
#include <iterator>

#include "libcommon/protocol/pop3/bounds.h"
#include "libcommon/text/ascii.h"

namespace mailroom::pop3 {
namespace {

struct VerbName {
  std::string_view name;
  Verb verb;
};

constexpr VerbName kVerbs[] = {
    {"AUTH", Verb::auth}, {"CAPA", Verb::capa}, {"DELE", Verb::dele}, {"LIST", Verb::list},
    {"NOOP", Verb::noop}, {"PASS", Verb::pass}, {"QUIT", Verb::quit}, {"RETR", Verb::retr},
    {"RSET", Verb::rset}, {"STAT", Verb::stat}, {"STLS", Verb::stls}, {"TOP", Verb::top},
    {"UIDL", Verb::uidl}, {"USER", Verb::user},
};

// Removes and returns what precedes the first space, and removes that space.
std::string_view take_word(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

bool is_mechanism_char(char c) { return is_alnum(c) || c == '-' || c == '_'; }

}  // namespace

std::expected<CommandLine, LineFault> split_command_line(std::string_view line) {
  if (!line.ends_with("\r\n")) return std::unexpected(LineFault::framing);
  line.remove_suffix(2);
  constexpr std::string_view kFraming{"\r\n\0", 3};
  if (line.find_first_of(kFraming) != std::string_view::npos) return std::unexpected(LineFault::framing);

  const std::string_view name = take_word(line);
  const auto* row = std::find_if(std::begin(kVerbs), std::end(kVerbs), [name](const VerbName& known) {
    return equals_ignoring_case(known.name, name);
  });
  return CommandLine{row == std::end(kVerbs) ? Verb::unknown : row->verb, line};
}

std::optional<std::uint32_t> parse_message_number(std::string_view argument) {
  const auto number = parse_decimal<std::uint32_t>(trim_blanks(argument));
  return number == 0U ? std::nullopt : number;
}

std::optional<TopArguments> parse_top(std::string_view argument) {
  const auto message = parse_message_number(take_word(argument));
  const auto lines = parse_decimal<std::uint64_t>(trim_blanks(argument));
  if (!message || !lines) return std::nullopt;
  return TopArguments{*message, *lines};
}

std::optional<AuthArguments> parse_auth(std::string_view argument) {
  const std::string_view mechanism = take_word(argument);
  if (mechanism.empty() || mechanism.size() > kMaxMechanism ||
      !std::all_of(mechanism.begin(), mechanism.end(), is_mechanism_char)) {
    return std::nullopt;
  }
  AuthArguments arguments{upper_case(mechanism), {}};
  argument = trim_blanks(argument);
  if (argument.find(' ') != std::string_view::npos) return std::nullopt;
  if (!argument.empty()) arguments.initial_response = argument;
  return arguments;
}

}  // namespace mailroom::pop3
