// Every quantity of the POP3 grammar that a stranger controls.
#pragma once

#include <cstddef>

namespace mailroom::pop3 {

// With CRLF.  RFC 2449 section 4 asks for 255 octets; a PASS with the longest password needs more.
inline constexpr std::size_t kMaxCommandLine = 2048;
inline constexpr std::size_t kMaxAuthLine = 12288;  // AUTH and the lines that continue it; RFC 5034 section 4
inline constexpr std::size_t kMaxReplyLine = 512;   // RFC 1939 section 3, with CRLF
inline constexpr std::size_t kMaxMechanism = 20;    // RFC 4422 section 3.1

}  // namespace mailroom::pop3
