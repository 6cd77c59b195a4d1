// The field TLS-Required (RFC 8689 3), looked for in a message that comes in pieces.  Holds a few octets
// only, whatever comes.  Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mailroom::rfc5322 {

class TlsRequiredScan {
 public:
  // The next octets of the message; what comes after its header is not looked at.
  void feed(std::string_view piece);

  // The message has come, or its header has: whether one field, and no other of that name, says "No".
  bool says_no();

 private:
  void begin_line(char first);
  void keep(std::string_view part);
  void end_field();

  std::string field_;  // the one that comes, as long as it may be TLS-Required
  bool may_be_it_ = false;
  bool at_line_start_ = true;
  bool ended_ = false;
  std::size_t fields_ = 0;
  bool no_ = false;  // the last of them
};

}  // namespace mailroom::rfc5322
