// The content of DATA (RFC 5321 section 4.5.2), as it arrives in pieces of any size.
//
// Only CRLF "." CRLF ends it.  A CR that no LF follows, or an LF that no CR precedes, makes the whole message
// refused, because another server may see an end of data there (SMTP smuggling, SECURITY.md V3); the scanner
// then goes on to look for the one true end, and nothing more reaches the sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libcommon/protocol/smtp/text_line.h"

namespace mailroom::smtp {

// Takes content in order, un-dot-stuffed; a piece is valid during the call only.
class ContentSink {
 public:
  virtual ~ContentSink() = default;
  virtual void content(std::string_view piece) = 0;
};

class DataScanner {
 public:
  struct Step {
    std::size_t consumed;  // all of the input, or up to and with the end of data
    bool ended;
  };

  // Precondition: the end has not been seen.
  [[nodiscard]] Step feed(std::string_view input, ContentSink& sink);

  bool has_bare_line_end() const { return bare_; }
  bool has_overlong_line() const { return length_.was_overlong(); }

 private:
  enum class State : std::uint8_t {
    line_start,
    dot,     // "." at a line's start
    dot_cr,  // and CR after it
    text,
    cr,  // CR after text, or at a line's start
  };

  const char* scan(const char* at, const char* end);
  bool step(char c);
  void step_text(char c);
  void step_after_cr(char c);

  State state_ = State::line_start;  // the CRLF of the DATA command counts (RFC 5321 section 4.1.1.4)
  LineLength length_;
  bool bare_ = false;
};

// The content of BDAT, whose end is known by counting: the same rule about CR and LF, for the same reason.
class ChunkWatch {
 public:
  void feed(std::string_view content);

  // Valid when all content has been fed.
  bool has_bare_line_end() const { return bare_ || after_cr_; }
  bool has_overlong_line() const { return length_.was_overlong(); }
  bool ends_in_line() const { return !length_.at_line_start(); }

 private:
  LineLength length_;
  bool after_cr_ = false;
  bool bare_ = false;
};

}  // namespace mailroom::smtp
