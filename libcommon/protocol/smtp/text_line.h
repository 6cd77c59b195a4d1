// The fast part of reading content: from inside a line to its end, by memchr alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libcommon/protocol/smtp/bounds.h"

namespace mailroom::smtp {

struct TextScan {
  enum class Stop : std::uint8_t {
    end_of_input,  // within the line
    after_cr,      // the input ends with a CR: what follows decides
    end_of_line,   // behind a CRLF
    bare,          // the line has a CR or LF that stands alone
  };
  const char* at;  // behind what was looked at
  Stop stop;
};

// Precondition: `at` is at a line's start or behind octets of a line that are no CR; at < end.
TextScan scan_text_line(const char* at, const char* end);

// Measures lines that come in parts.
class LineLength {
 public:
  void add(std::size_t octets) {
    octets_ += octets;
    if (octets_ > kMaxTextLine) overlong_ = true;
  }
  void end_line() { octets_ = 0; }

  bool at_line_start() const { return octets_ == 0; }
  bool was_overlong() const { return overlong_; }

 private:
  std::size_t octets_ = 0;
  bool overlong_ = false;
};

}  // namespace mailroom::smtp
