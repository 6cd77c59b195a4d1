// The parameters of MAIL and RCPT (RFC 5321 section 4.1.2, esmtp-param), by tables of the known ones.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "libcommon/protocol/smtp/command.h"
#include "libcommon/protocol/smtp/refusal.h"

namespace mailroom::smtp {

// `rest` is all that follows the path: nothing, or a space and parameters.  Unknown ones are refused with
// 555, repeated ones and wrong values with 501.
[[nodiscard]] std::expected<void, Refusal> parse_mail_parameters(std::string_view rest,
                                                                 MailArguments& arguments);
[[nodiscard]] std::expected<void, Refusal> parse_rcpt_parameters(std::string_view rest,
                                                                 RcptArguments& arguments);

// A number of octets: 1 to kMaxSizeDigits digits, at most kMaxSize.
std::optional<std::uint64_t> parse_octets(std::string_view digits);

}  // namespace mailroom::smtp
