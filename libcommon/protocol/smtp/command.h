// The command lines of SMTP (RFC 5321 section 4.1.1) and of the extensions this server offers: RFC 1870 SIZE,
// RFC 3030 CHUNKING, RFC 3207 STARTTLS, RFC 3461 DSN, RFC 4954 AUTH, RFC 6152 8BITMIME, RFC 6531 SMTPUTF8.
//
// A line is split into verb and argument; each verb's argument has its own function.  What is refused comes
// back as the reply to give.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/protocol/smtp/address.h"
#include "libcommon/protocol/smtp/refusal.h"

namespace mailroom::smtp {

enum class Verb : std::uint8_t {
  auth,
  bdat,
  data,
  ehlo,
  expn,
  helo,
  help,
  mail,
  noop,
  quit,
  rcpt,
  rset,
  starttls,
  vrfy,
  unknown,
};

struct CommandLine {
  Verb verb = Verb::unknown;
  std::string_view argument;  // without surrounding spaces
};

enum class LineFault : std::uint8_t {
  framing,  // a CR or LF that is not the final CRLF, or a NUL: two readers could see two different commands
};

// `line` with its line end.  The views point into it.
[[nodiscard]] std::expected<CommandLine, LineFault> split_command_line(std::string_view line);

enum class Body : std::uint8_t { seven_bit, eight_bit_mime };
enum class Ret : std::uint8_t { unset, full, headers };

struct MailArguments {
  std::optional<Mailbox> reverse_path;  // nothing: <>
  std::uint64_t size = 0;               // declared octets; 0: not declared
  Body body = Body::seven_bit;
  bool smtputf8 = false;
  bool requiretls = false;  // RFC 8689
  Ret ret = Ret::unset;
  std::string envid;  // in xtext, checked
};

// Bits, as NOTIFY may name several.
inline constexpr std::uint8_t kNotifyNever = 1;
inline constexpr std::uint8_t kNotifySuccess = 2;
inline constexpr std::uint8_t kNotifyFailure = 4;
inline constexpr std::uint8_t kNotifyDelay = 8;

struct RcptArguments {
  Mailbox forward_path;
  std::uint8_t notify = 0;  // 0: not said
  std::string orcpt;        // with its address type, in xtext, checked
};

struct BdatArguments {
  std::uint64_t size = 0;
  bool last = false;
};

struct AuthArguments {
  std::string mechanism;                             // in upper case
  std::optional<std::string_view> initial_response;  // as it came: base64, or "="
};

// The reverse-path may be internationalized only with SMTPUTF8 in the same command.  AUTH= is checked and
// dropped: no client here is trusted to vouch for another (RFC 4954 section 5).
[[nodiscard]] std::expected<MailArguments, Refusal> parse_mail(std::string_view argument);

// `smtputf8`: whether this transaction's MAIL command said so.
enum class Smtputf8 : bool { no, yes };
[[nodiscard]] std::expected<RcptArguments, Refusal> parse_rcpt(std::string_view argument, Smtputf8 smtputf8);

[[nodiscard]] std::expected<BdatArguments, Refusal> parse_bdat(std::string_view argument);
[[nodiscard]] std::expected<AuthArguments, Refusal> parse_auth(std::string_view argument);

// The client's name: a domain or an address literal.  Underscores and a final dot are taken, since many
// clients have them and nothing is decided by the name.
[[nodiscard]] std::expected<std::string_view, Refusal> parse_helo(std::string_view argument);

// For DATA, QUIT, RSET and STARTTLS.
[[nodiscard]] std::expected<void, Refusal> expect_no_argument(std::string_view argument);

// A line of HTTP: a browser was made to speak to this port (SECURITY.md V15).
bool is_http_request(std::string_view line);

}  // namespace mailroom::smtp
