#include "libcommon/protocol/smtp/command.h"

#include <algorithm>
#include <iterator>

#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/characters.h"
#include "libcommon/protocol/smtp/parameters.h"

namespace mailroom::smtp {
namespace {

struct VerbName {
  std::string_view name;
  Verb verb;
};

constexpr VerbName kVerbs[] = {
    {"AUTH", Verb::auth},         {"BDAT", Verb::bdat}, {"DATA", Verb::data}, {"EHLO", Verb::ehlo},
    {"EXPN", Verb::expn},         {"HELO", Verb::helo}, {"HELP", Verb::help}, {"MAIL", Verb::mail},
    {"NOOP", Verb::noop},         {"QUIT", Verb::quit}, {"RCPT", Verb::rcpt}, {"RSET", Verb::rset},
    {"STARTTLS", Verb::starttls}, {"VRFY", Verb::vrfy},
};

constexpr Refusal kBdatSyntax{501, "5.5.4", "Syntax: BDAT octets [LAST]"};
constexpr Refusal kAuthSyntax{501, "5.5.4", "Syntax: AUTH mechanism [initial-response]"};

}  // namespace

std::expected<CommandLine, LineFault> split_command_line(std::string_view line) {
  if (!line.ends_with("\r\n")) return std::unexpected(LineFault::framing);
  line.remove_suffix(2);
  constexpr std::string_view kFraming{"\r\n\0", 3};
  if (line.find_first_of(kFraming) != std::string_view::npos) return std::unexpected(LineFault::framing);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);

  const std::string_view name = take_word(line);
  skip_spaces(line);
  const auto* row = std::find_if(std::begin(kVerbs), std::end(kVerbs), [name](const VerbName& known) {
    return equals_ignoring_case(known.name, name);
  });
  return CommandLine{row == std::end(kVerbs) ? Verb::unknown : row->verb, line};
}

std::expected<BdatArguments, Refusal> parse_bdat(std::string_view argument) {
  const std::string_view digits = take_word(argument);
  const auto size = parse_octets(digits);
  if (!size) return std::unexpected(kBdatSyntax);
  skip_spaces(argument);
  const bool last = equals_ignoring_case(argument, "LAST");
  if (!last && !argument.empty()) return std::unexpected(kBdatSyntax);
  return BdatArguments{*size, last};
}

std::expected<AuthArguments, Refusal> parse_auth(std::string_view argument) {
  const std::string_view mechanism = take_word(argument);
  const auto is_mechanism_char = [](char c) { return is_let_dig(c) || c == '-' || c == '_'; };
  if (mechanism.empty() || mechanism.size() > kMaxMechanism ||
      !std::all_of(mechanism.begin(), mechanism.end(), is_mechanism_char)) {
    return std::unexpected(kAuthSyntax);
  }
  AuthArguments arguments;
  std::transform(mechanism.begin(), mechanism.end(), std::back_inserter(arguments.mechanism), to_upper);
  skip_spaces(argument);
  if (argument.find(' ') != std::string_view::npos) return std::unexpected(kAuthSyntax);
  if (!argument.empty()) arguments.initial_response = argument;
  return arguments;
}

std::expected<std::string_view, Refusal> parse_helo(std::string_view argument) {
  constexpr Refusal kSyntax{501, "5.5.4", "Give your host's domain name, or its address in brackets"};
  if (is_address_literal(argument)) return argument;
  const auto is_name_char = [](char c) { return is_let_dig(c) || c == '-' || c == '.' || c == '_'; };
  if (argument.empty() || argument.size() > kMaxDomain ||
      !std::all_of(argument.begin(), argument.end(), is_name_char)) {
    return std::unexpected(kSyntax);
  }
  return argument;
}

std::expected<void, Refusal> expect_no_argument(std::string_view argument) {
  if (!argument.empty()) return std::unexpected(Refusal{501, "5.5.4", "This command takes no argument"});
  return {};
}

bool is_http_request(std::string_view line) {
  constexpr std::string_view kMethods[] = {"GET ",     "HEAD ",    "POST ",  "PUT ",  "DELETE ",
                                           "CONNECT ", "OPTIONS ", "TRACE ", "PATCH "};
  return std::any_of(std::begin(kMethods), std::end(kMethods),
                     [line](std::string_view method) { return line.starts_with(method); });
}

}  // namespace mailroom::smtp
