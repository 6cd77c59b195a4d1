// Every quantity of the SMTP grammar that a stranger controls.  Section numbers are of RFC 5321 unless
// another is named.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mailroom::smtp {

inline constexpr std::size_t kMaxCommandLine =
    2048;  // with CRLF; 4.5.3.1.4 asks for 512, RFC 3461 and 4954 for more
inline constexpr std::size_t kMaxAuthLine =
    12288;  // AUTH and the lines that continue it, with CRLF; RFC 4954 section 4
inline constexpr std::size_t kMaxReplyLine = 512;    // 4.5.3.1.5, with CRLF
inline constexpr std::size_t kMaxServerLine = 2048;  // of a server's reply, with CRLF; 4.5.3.1.5 asks for 512
inline constexpr std::size_t kMaxServerLines = 100;  // of one reply
inline constexpr std::size_t kMaxReplyText = 512;    // kept of a server's reply
inline constexpr std::size_t kMaxLocalPart = 64;     // of a forward-path; 4.5.3.1.1
inline constexpr std::size_t kMaxDomain = 255;       // 4.5.3.1.2
inline constexpr std::size_t kMaxLabel = 63;         // RFC 1035 section 2.3.4
inline constexpr std::size_t kMaxPath = 256;  // 4.5.3.1.3, with its angle brackets, without a source route
inline constexpr std::size_t kMaxTextLine = 65536;     // 4.5.3.1.6 asks for 1000; mail in use exceeds that
inline constexpr std::size_t kMaxHeader = 256 * 1024;  // the header section of one message
inline constexpr std::size_t kMaxHeaderFields = 1000;
inline constexpr std::size_t kMaxEnvid = 100;         // RFC 3461 section 4.4, as xtext
inline constexpr std::size_t kMaxOrcpt = 500;         // RFC 3461 section 4.2, with the address type
inline constexpr std::size_t kMaxMechanism = 20;      // RFC 4422 section 3.1
inline constexpr std::size_t kMaxSizeDigits = 20;     // RFC 1870 section 3, RFC 3030 section 2
inline constexpr std::uint64_t kMaxSize = INT64_MAX;  // a larger SIZE= or BDAT is a syntax error

}  // namespace mailroom::smtp
