// The content of DATA from a listener that forgives a lone LF (bare-lf): it reaches the sink as CRLF, so that
// nobody after us can take it for something else (SECURITY.md V3).
//
// What ends the content stays CRLF "." CRLF, and a dot is taken away after CRLF alone.  A lone CR is not
// forgiven.  Slower than DataScanner, by octets; for the few who need it.
#pragma once

#include <string>

#include "libcommon/protocol/smtp/data_scanner.h"

namespace mailroom::smtp {

class ForgivingScanner {
 public:
  // Precondition: the end has not been seen.
  [[nodiscard]] DataScanner::Step feed(std::string_view input, ContentSink& sink);

  bool has_bare_line_end() const { return bare_cr_; }
  bool has_overlong_line() const { return length_.was_overlong(); }

 private:
  enum class State : std::uint8_t { line_start, dot, dot_cr, text, cr };

  bool step(char c);
  void put(char c);
  void take(char c);
  void end_line(State next);

  State state_ = State::line_start;
  LineLength length_;
  bool bare_cr_ = false;
  std::string out_;  // of the piece that is being fed
};

}  // namespace mailroom::smtp
