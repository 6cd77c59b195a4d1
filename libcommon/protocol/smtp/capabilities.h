// What a server offers in its reply to EHLO or LHLO (RFC 5321 section 4.1.1.1), as far as a client here makes
// use of it.
#pragma once

#include <cstdint>
#include <optional>

#include "libcommon/protocol/smtp/reply_parser.h"

namespace mailroom::smtp {

struct Capabilities {
  bool pipelining = false;      // RFC 2920
  bool chunking = false;        // RFC 3030
  bool eight_bit_mime = false;  // RFC 6152
  bool smtputf8 = false;        // RFC 6531
  bool dsn = false;             // RFC 3461
  bool starttls = false;        // RFC 3207
  bool requiretls = false;      // RFC 8689
  bool auth_plain = false;      // RFC 4954
  bool auth_login = false;
  bool size = false;                        // RFC 1870
  std::optional<std::uint64_t> size_limit;  // nothing: none was said, or what was said is no number

  bool operator==(const Capabilities&) const = default;
};

// `reply` is the positive reply to EHLO; its first line is the greeting.
Capabilities parse_capabilities(const ServerReply& reply);

}  // namespace mailroom::smtp
