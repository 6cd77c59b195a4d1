#include "libcommon/protocol/smtp/parameters.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/characters.h"
#include "libcommon/protocol/smtp/xtext.h"

namespace mailroom::smtp {
namespace {

constexpr Refusal kUnknown{555, "5.5.4",
                           "A parameter of this command is not supported here; see the reply to EHLO"};
constexpr Refusal kRepeated{501, "5.5.4", "A parameter may be given once only"};
constexpr Refusal kSyntax{501, "5.5.4",
                          "Parameters are KEYWORD or KEYWORD=value, with one space before each"};

using Value = std::optional<std::string_view>;
using Result = std::expected<void, Refusal>;

// One row: the keyword, and what takes its value.
template <typename Arguments>
struct Parameter {
  std::string_view keyword;
  Result (*take)(Value value, Arguments& arguments);
};

Result wrong(std::string_view text) { return std::unexpected(Refusal{501, "5.5.4", text}); }

Result take_auth(Value value, MailArguments&) {
  const auto identity = value ? decode_xtext(*value) : std::nullopt;
  if (!identity || (*identity != "<>" && !parse_mailbox(*identity)))
    return wrong("AUTH= takes <> or a mailbox in xtext");
  return {};
}

Result take_body(Value value, MailArguments& arguments) {
  if (value && equals_ignoring_case(*value, "7BIT")) {
    arguments.body = Body::seven_bit;
  } else if (value && equals_ignoring_case(*value, "8BITMIME")) {
    arguments.body = Body::eight_bit_mime;
  } else {
    return wrong("BODY= takes 7BIT or 8BITMIME");
  }
  return {};
}

Result take_envid(Value value, MailArguments& arguments) {
  if (!value || value->size() > kMaxEnvid || !decode_xtext(*value)) {
    return wrong("ENVID= takes at most 100 characters of xtext");
  }
  arguments.envid = *value;
  return {};
}

Result take_requiretls(Value value, MailArguments& arguments) {
  if (value) return wrong("REQUIRETLS takes no value");
  arguments.requiretls = true;
  return {};
}

Result take_ret(Value value, MailArguments& arguments) {
  if (value && equals_ignoring_case(*value, "FULL")) {
    arguments.ret = Ret::full;
  } else if (value && equals_ignoring_case(*value, "HDRS")) {
    arguments.ret = Ret::headers;
  } else {
    return wrong("RET= takes FULL or HDRS");
  }
  return {};
}

Result take_size(Value value, MailArguments& arguments) {
  const auto octets = value ? parse_octets(*value) : std::nullopt;
  if (!octets) return wrong("SIZE= takes a number of octets");
  arguments.size = *octets;
  return {};
}

Result take_smtputf8(Value value, MailArguments& arguments) {
  if (value) return wrong("SMTPUTF8 takes no value");
  arguments.smtputf8 = true;
  return {};
}

std::uint8_t notify_bit(std::string_view word) {
  if (equals_ignoring_case(word, "SUCCESS")) return kNotifySuccess;
  if (equals_ignoring_case(word, "FAILURE")) return kNotifyFailure;
  if (equals_ignoring_case(word, "DELAY")) return kNotifyDelay;
  return 0;
}

// NEVER alone, or a list of the others; nothing if it is neither.
std::optional<std::uint8_t> parse_notify(std::string_view value) {
  if (equals_ignoring_case(value, "NEVER")) return kNotifyNever;
  std::uint8_t bits = 0;
  for (;;) {
    const std::size_t comma = value.find(',');
    const std::uint8_t bit = notify_bit(value.substr(0, comma));
    if (bit == 0) return std::nullopt;
    bits |= bit;
    if (comma == std::string_view::npos) return bits;
    value.remove_prefix(comma + 1);
  }
}

Result take_notify(Value value, RcptArguments& arguments) {
  const auto bits = value ? parse_notify(*value) : std::nullopt;
  if (!bits) return wrong("NOTIFY= takes NEVER, or a list of SUCCESS, FAILURE, DELAY");
  arguments.notify = *bits;
  return {};
}

Result take_orcpt(Value value, RcptArguments& arguments) {
  if (!value || !is_original_recipient(*value))
    return wrong("ORCPT= takes an address type, \";\" and an address in xtext");
  arguments.orcpt = *value;
  return {};
}

constexpr Parameter<MailArguments> kMailParameters[] = {
    {"AUTH", take_auth}, {"BODY", take_body}, {"ENVID", take_envid},       {"REQUIRETLS", take_requiretls},
    {"RET", take_ret},   {"SIZE", take_size}, {"SMTPUTF8", take_smtputf8},
};

constexpr Parameter<RcptArguments> kRcptParameters[] = {
    {"NOTIFY", take_notify},
    {"ORCPT", take_orcpt},
};

bool is_keyword(std::string_view text) {
  return !text.empty() && is_let_dig(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_let_dig(c) || c == '-'; });
}

// esmtp-value; UTF-8 is left to the parameter (RFC 6531 section 3.3).
bool is_value(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return (is_visible(c) && c != '=') || !is_ascii(c); });
}

template <typename Arguments>
Result parse_parameters(std::string_view rest, std::span<const Parameter<Arguments>> known,
                        Arguments& arguments) {
  unsigned seen = 0;  // bit i: known[i] was given
  while (!rest.empty()) {
    if (rest.front() != ' ') return std::unexpected(kSyntax);
    skip_spaces(rest);
    const std::string_view parameter = take_word(rest);
    const std::size_t equals = parameter.find('=');
    const std::string_view keyword = parameter.substr(0, equals);
    const Value value = equals == std::string_view::npos ? Value{} : parameter.substr(equals + 1);
    if (!is_keyword(keyword) || (value && !is_value(*value))) return std::unexpected(kSyntax);

    const auto row = std::find_if(known.begin(), known.end(), [&](const auto& each) {
      return equals_ignoring_case(each.keyword, keyword);
    });
    if (row == known.end()) return std::unexpected(kUnknown);
    const unsigned bit = 1U << (row - known.begin());
    if ((seen & bit) != 0) return std::unexpected(kRepeated);
    seen |= bit;
    if (auto taken = row->take(value, arguments); !taken) return taken;
  }
  return {};
}

}  // namespace

std::expected<void, Refusal> parse_mail_parameters(std::string_view rest, MailArguments& arguments) {
  return parse_parameters<MailArguments>(rest, kMailParameters, arguments);
}

std::expected<void, Refusal> parse_rcpt_parameters(std::string_view rest, RcptArguments& arguments) {
  return parse_parameters<RcptArguments>(rest, kRcptParameters, arguments);
}

std::optional<std::uint64_t> parse_octets(std::string_view digits) {
  if (digits.empty() || digits.size() > kMaxSizeDigits ||
      !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return std::nullopt;
  }
  std::uint64_t octets = 0;
  for (const char digit : digits) {
    if (octets > kMaxSize / 10) return std::nullopt;
    octets = octets * 10 + hex_value(digit);
  }
  if (octets > kMaxSize) return std::nullopt;
  return octets;
}

}  // namespace mailroom::smtp
