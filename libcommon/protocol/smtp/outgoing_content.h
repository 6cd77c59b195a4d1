// Content on its way out: what it asks of the far side, and its form on the wire after DATA (RFC 5321
// section 4.5.2).
#pragma once

#include <string>
#include <string_view>

#include "libcommon/protocol/smtp/data_scanner.h"

namespace mailroom::smtp {

struct ContentNeeds {
  bool bare_line_end = false;     // a CR or LF stands alone: never sent, by whatever way (SECURITY.md V3)
  bool eight_bit = false;         // an octet past ASCII anywhere
  bool eight_bit_header = false;  // ... before the first empty line (RFC 6532)
};
ContentNeeds needs_of(std::string_view content);

// Doubles the dot at each line's start.  Content in order, in pieces of any size; it has passed needs_of().
class DotStuffer {
 public:
  void append(std::string_view piece, std::string& out);
  // The end of data: CRLF first when the content ends within a line.
  void finish(std::string& out);

 private:
  bool at_line_start_ = true;  // the CRLF of the DATA command counts
};

}  // namespace mailroom::smtp
