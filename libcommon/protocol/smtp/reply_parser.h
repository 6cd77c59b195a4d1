// The replies of an SMTP or LMTP server (RFC 5321 section 4.2), as a client reads them from a server that may
// be anybody.
//
// Each line ends with CRLF alone: a server that repeats in its reply what a stranger gave it must not be made
// to say more replies than it meant.  What is kept of a reply is printable ASCII and bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::smtp {

struct ServerReply {
  std::uint16_t code = 0;          // 200 to 599
  std::string enhanced;            // RFC 2034; empty: none, or one of another class than the code
  std::vector<std::string> lines;  // at least one; without code and enhanced code

  bool is_positive() const { return code >= 200 && code < 300; }
  bool is_intermediate() const { return code >= 300 && code < 400; }
  bool is_refusal() const { return code >= 400; }
  // All lines in one, cut at kMaxReplyText.
  std::string text() const;
};

enum class ReplyFault : std::uint8_t {
  bad_code,        // a line that does not begin with a reply code
  mixed_codes,     // lines of one reply with different codes
  bare_lf,         // a LF that no CR precedes
  line_too_long,   // kMaxServerLine
  too_many_lines,  // kMaxServerLines
};
const char* words_for(ReplyFault fault);

class ReplyParser {
 public:
  struct Step {
    std::size_t consumed;
    bool complete;  // the rest of the input belongs to the next reply
  };

  // Replies in pieces of any size.  Precondition: neither a fault nor a complete reply that was not taken.
  [[nodiscard]] std::expected<Step, ReplyFault> feed(std::string_view input);

  // The complete reply.
  ServerReply take();

 private:
  enum class Line : std::uint8_t { last, continued };
  std::expected<Line, ReplyFault> add_line(std::string_view line);

  ServerReply reply_;
  std::string begun_;  // of a line whose end has not come
};

}  // namespace mailroom::smtp
