// MAIL and RCPT: a path and its parameters.
#include "libcommon/protocol/smtp/characters.h"
#include "libcommon/protocol/smtp/command.h"
#include "libcommon/protocol/smtp/parameters.h"

namespace mailroom::smtp {
namespace {

constexpr Refusal kMailSyntax{501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]"};
constexpr Refusal kRcptSyntax{501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]"};
constexpr Refusal kReversePathSyntax{501, "5.1.7", "Not a sender address; write <local-part@domain>"};
constexpr Refusal kReversePathTooLong{501, "5.1.7", "The sender address is too long"};
constexpr Refusal kForwardPathSyntax{501, "5.1.3", "Not a recipient address; write <local-part@domain>"};
constexpr Refusal kForwardPathTooLong{501, "5.1.3", "The recipient address is too long"};
constexpr Refusal kNeedsSmtputf8{553, "5.6.7", "This address needs SMTPUTF8 in the MAIL command"};

}  // namespace

std::expected<MailArguments, Refusal> parse_mail(std::string_view argument) {
  if (!take_prefix(argument, "FROM:")) return std::unexpected(kMailSyntax);
  skip_spaces(argument);  // not by RFC 5321 section 3.3, but many devices write one
  auto path = take_reverse_path(argument);
  if (!path) {
    return std::unexpected(path.error() == AddressFault::too_long ? kReversePathTooLong : kReversePathSyntax);
  }
  MailArguments arguments;
  arguments.reverse_path = std::move(*path);
  if (auto taken = parse_mail_parameters(argument, arguments); !taken) return std::unexpected(taken.error());
  const bool internationalized = arguments.reverse_path && arguments.reverse_path->is_internationalized();
  if (internationalized && !arguments.smtputf8) return std::unexpected(kNeedsSmtputf8);
  return arguments;
}

std::expected<RcptArguments, Refusal> parse_rcpt(std::string_view argument, Smtputf8 smtputf8) {
  if (!take_prefix(argument, "TO:")) return std::unexpected(kRcptSyntax);
  skip_spaces(argument);
  auto path = take_forward_path(argument);
  if (!path) {
    return std::unexpected(path.error() == AddressFault::too_long ? kForwardPathTooLong : kForwardPathSyntax);
  }
  RcptArguments arguments;
  arguments.forward_path = std::move(*path);
  if (auto taken = parse_rcpt_parameters(argument, arguments); !taken) return std::unexpected(taken.error());
  if (arguments.forward_path.is_internationalized() && smtputf8 == Smtputf8::no)
    return std::unexpected(kNeedsSmtputf8);
  return arguments;
}

}  // namespace mailroom::smtp
