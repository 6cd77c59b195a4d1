#include "libcommon/protocol/smtp/capabilities.h"

#include <array>
#include <string_view>

#include "libcommon/protocol/smtp/characters.h"
#include "libcommon/protocol/smtp/parameters.h"

namespace mailroom::smtp {
namespace {

struct Keyword {
  std::string_view name;
  bool Capabilities::*member;
};
constexpr std::array kKeywords{
    Keyword{"PIPELINING", &Capabilities::pipelining},
    Keyword{"CHUNKING", &Capabilities::chunking},
    Keyword{"8BITMIME", &Capabilities::eight_bit_mime},
    Keyword{"SMTPUTF8", &Capabilities::smtputf8},
    Keyword{"DSN", &Capabilities::dsn},
    Keyword{"STARTTLS", &Capabilities::starttls},
    Keyword{"REQUIRETLS", &Capabilities::requiretls},
    Keyword{"SIZE", &Capabilities::size},
};

void take_mechanisms(Capabilities& capabilities, std::string_view list) {
  for (skip_spaces(list); !list.empty(); skip_spaces(list)) {
    const std::string_view mechanism = take_word(list);
    if (equals_ignoring_case(mechanism, "PLAIN")) capabilities.auth_plain = true;
    if (equals_ignoring_case(mechanism, "LOGIN")) capabilities.auth_login = true;
  }
}

// 0 is "no fixed limit" (RFC 1870 section 4).
void take_size(Capabilities& capabilities, std::string_view number) {
  skip_spaces(number);
  const auto limit = parse_octets(take_word(number));
  if (limit && *limit > 0) capabilities.size_limit = *limit;
}

void take_line(Capabilities& capabilities, std::string_view line) {
  // "AUTH=" is what servers said before RFC 2554.
  if (take_prefix(line, "AUTH=") || take_prefix(line, "AUTH ")) return take_mechanisms(capabilities, line);
  const std::string_view keyword = take_word(line);
  for (const Keyword& known : kKeywords)
    if (equals_ignoring_case(keyword, known.name)) capabilities.*known.member = true;
  if (equals_ignoring_case(keyword, "SIZE")) take_size(capabilities, line);
}

}  // namespace

Capabilities parse_capabilities(const ServerReply& reply) {
  Capabilities capabilities;
  for (std::size_t i = 1; i < reply.lines.size(); ++i) take_line(capabilities, reply.lines[i]);
  return capabilities;
}

}  // namespace mailroom::smtp
