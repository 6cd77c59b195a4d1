// Makes CRLF of every line end of a message that is appended: what is stored is in wire form, and what POP3
// and SMTP send of it can hold no bare CR or LF (SECURITY.md V3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailroom::imapd {

class WireForm {
 public:
  // The next piece.  Nothing when it holds NUL, which no message has (RFC 3501 section 4.3).  The result is
  // valid until the next call, or as long as the piece.
  std::optional<std::string_view> feed(std::string_view piece);
  // What is left when the message ends.
  std::string_view finish();

 private:
  bool is_wire_form(std::string_view piece) const;
  bool after_cr_ = false;  // the last octet was CR, held back
  std::string converted_;
};

}  // namespace mailroom::imapd
