#include "daemons/relayd/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/protocol/smtp/bounds.h"
#include "libcommon/protocol/smtp/outgoing_content.h"
#include "libcommon/text/ascii.h"

namespace mailroom::relayd {
namespace {

bool is_ascii(std::string_view text) { return std::ranges::none_of(text, is_8bit); }

bool has_international_address(const Send& message) {
  return !is_ascii(message.reverse_path) ||
         std::ranges::any_of(message.recipients, [](const auto& r) { return !is_ascii(r.address); });
}

// RFC 6531 3.1.  Octets past ASCII in the header of a message that was not declared so are old software's,
// and everybody passes them on.
bool is_international(const Send& message, const MessageNeeds& needs) {
  return has_international_address(message) || (message.mail.smtputf8 && needs.content.eight_bit_header);
}

std::unexpected<Reply> missing(std::string enhanced, std::string words) {
  return std::unexpected(Reply{0, std::move(enhanced), std::move(words)});
}

// The value of a parameter (RFC 5321 section 4.1.2, esmtp-value).
bool is_parameter_value(std::string_view text, std::size_t limit) {
  return !text.empty() && text.size() <= limit &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c != '=' && c != '\x7f'; });
}

std::string notify_words(std::uint8_t notify) {
  const auto has = [notify](Notify bit) { return (notify & static_cast<std::uint8_t>(bit)) != 0; };
  if (has(Notify::never)) return "NEVER";
  std::string words;
  const auto add = [&](Notify bit, std::string_view word) {
    if (has(bit)) words += (words.empty() ? "" : ",") + std::string{word};
  };
  add(Notify::success, "SUCCESS");
  add(Notify::failure, "FAILURE");
  add(Notify::delay, "DELAY");
  return words;
}

}  // namespace

bool is_sendable(std::string_view address) {
  if (address.size() > smtp::kMaxPath) return false;
  bool quoted = false;
  for (std::size_t i = 0; i < address.size(); ++i) {
    const char c = address[i];
    if (is_control(c)) return false;
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\') ++i;
    if (!quoted && (c == ' ' || c == '<' || c == '>')) return false;
  }
  return !quoted;
}

std::expected<void, Reply> check_message(const Send& message, const MessageNeeds& needs,
                                         const Session& session) {
  const smtp::Capabilities& offered = session.capabilities;
  if (needs.content.bare_line_end)
    return missing("5.6.0", "the message has a CR or LF that is not part of a line end");
  if (!is_sendable(message.reverse_path))
    return missing("5.1.7", "the sender's address cannot be written in a command");
  // A report goes without it rather than not at all (RFC 8689 5).
  if (message.mail.requiretls && !session.requiretls && !message.reverse_path.empty())
    return missing("5.7.30", "the message may only go over a connection with REQUIRETLS");
  if (!offered.smtputf8 && is_international(message, needs))
    return missing("5.6.7", "the far side does not take internationalised addresses and headers (SMTPUTF8)");
  if (!offered.eight_bit_mime && needs.content.eight_bit)
    return missing("5.6.3", "the far side does not take 8-bit text (8BITMIME)");
  if (offered.size_limit && needs.size > *offered.size_limit)
    return missing("5.3.4",
                   fmt::format("the far side takes messages of at most {} octets", *offered.size_limit));
  return {};
}

std::string mail_command(const Send& message, const MessageNeeds& needs, const Session& session) {
  const smtp::Capabilities& offered = session.capabilities;
  std::string command = fmt::format("MAIL FROM:<{}>", message.reverse_path);
  if (offered.size) command += fmt::format(" SIZE={}", needs.size);
  if (offered.eight_bit_mime && (message.mail.body != BodyType::seven_bit || needs.content.eight_bit))
    command += " BODY=8BITMIME";
  if (offered.smtputf8 && (message.mail.smtputf8 || is_international(message, needs))) command += " SMTPUTF8";
  if (message.mail.requiretls && session.requiretls) command += " REQUIRETLS";
  if (offered.dsn) {
    if (message.mail.ret == ReturnContent::full) command += " RET=FULL";
    if (message.mail.ret == ReturnContent::headers) command += " RET=HDRS";
    if (is_parameter_value(message.mail.envid, smtp::kMaxEnvid)) command += " ENVID=" + message.mail.envid;
  }
  return command += "\r\n";
}

std::string rcpt_command(const OutboundRecipient& recipient, const Session& session) {
  std::string command = fmt::format("RCPT TO:<{}>", recipient.address);
  if (session.capabilities.dsn) {
    if (const std::string words = notify_words(recipient.notify); !words.empty())
      command += " NOTIFY=" + words;
    if (is_parameter_value(recipient.orcpt, smtp::kMaxOrcpt)) command += " ORCPT=" + recipient.orcpt;
  }
  return command += "\r\n";
}

}  // namespace mailroom::relayd
